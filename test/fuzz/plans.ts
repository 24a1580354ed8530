// What is sent on one connection, and how: made from a seed and the number of the connection, and from nothing else, so
// that one that went wrong can be sent again by itself.

import type { IsToHead } from './answers.js';
import { mutateBytes } from './byte-mutations.js';
import { Random } from './random.js';
import { bytesOf, type Cast, goodRequest } from './requests.js';
import { mutateStructure } from './structure-mutations.js';

/** What the client does when it has sent all. */
export type Ending = 'wait' | 'half_close' | 'reset';

export interface Plan {
  /** good: all must be answered, one after the other. ahead: good ones, all sent at once. wrong: anything may come. */
  readonly kind: 'good' | 'ahead' | 'wrong';
  readonly requests: number;
  /** Each in the pieces in which it is written. A step is sent when there are as many answers as steps before it. */
  readonly steps: readonly (readonly Buffer[])[];
  readonly ending: Ending;
  /** The request ids in the order in which they may be given back. */
  readonly ids: readonly string[];
  /** False when the bytes were changed so that ids may come twice, or in another order. */
  readonly ordered: boolean;
  readonly isToHead: IsToHead;
}

/** One in this many is good, and one in as many is good and sent ahead. */
const GOOD_ONE_IN = 8;
const REQUESTS_MAX = 12;
const CUTS_MAX = 6;

export function makePlan(seed: number, connection: number, cast: Cast): Plan {
  const random = new Random(seed, connection);
  const kind = (['good', 'ahead'] as const)[random.below(GOOD_ONE_IN)] ?? 'wrong';
  const requests = 1 + random.below(REQUESTS_MAX);
  const ids = Array.from({ length: requests }, (_, i) => `f-${connection}-${i}`);
  let ordered = true;
  const sent = ids.map((id) => {
    const request = goodRequest(random, cast, id);
    const [structure, bytes] = kind === 'wrong' ? random.pick(WAYS) : [false, false];
    if (structure) mutateStructure(random, request);
    if (!bytes) return bytesOf(request);
    ordered = false;
    return mutateBytes(random, bytesOf(request));
  });
  const whole = kind === 'ahead' || (kind === 'wrong' && random.oneIn(4)) ? [Buffer.concat(sent)] : sent;
  const steps = kind === 'wrong' ? whole.map((bytes) => piecesOf(random, bytes)) : whole.map((bytes) => [bytes]);
  const ending = kind === 'wrong' ? random.pick(ENDINGS) : 'wait';
  return { kind, requests, steps, ending, ids, ordered, isToHead: headsOf(kind, sent) };
}

/** Of good requests the methods are known. Of wrong ones only that there is no HEAD anywhere, in any spelling. */
function headsOf(kind: Plan['kind'], requests: readonly Buffer[]): IsToHead {
  if (kind !== 'wrong') return (index) => requests[index]?.toString('latin1', 0, 5) === 'HEAD ';
  const possible = requests.some((bytes) => /head/i.test(bytes.toString('latin1')));
  return () => (possible ? 'unknown' : false);
}

/** Whether the structure, and whether the bytes, are made wrong. */
const WAYS = [
  [true, false],
  [true, false],
  [true, false],
  [false, true],
  [false, true],
  [true, true],
  [false, false],
] as const;

const ENDINGS = ['wait', 'wait', 'wait', 'wait', 'wait', 'half_close', 'reset'] as const;

function piecesOf(random: Random, all: Buffer): Buffer[] {
  const bytes = random.oneIn(12) ? all.subarray(0, random.below(all.length + 1)) : all;
  if (!random.oneIn(3)) return [bytes];
  // Seldom within the first line, which one listener refuses at once and so would hardly ever see the rest.
  const least = random.oneIn(8) ? 0 : Math.max(0, bytes.indexOf('\n') + 1);
  const place = () => least + random.below(bytes.length + 1 - least);
  const cuts = Array.from({ length: 1 + random.below(CUTS_MAX) }, place);
  const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}
