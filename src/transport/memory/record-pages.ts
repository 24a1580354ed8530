// Record pages: what a subject has on a shelf, asked for page by page.

import { type Shelf, type SubjectPlace, subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import type { Fault } from '../../errors.js';
import { askOptions, type MemoryContext } from './memory-context.js';

/** Records asked for at a time. */
const READ_AT_ONCE = 500;

export interface Wanted {
  readonly place: SubjectPlace;
  readonly shelf: Shelf;
  /** Null: the one that there is. */
  readonly life: number | null;
  readonly after: number;
  readonly limit: number;
  readonly charsMax: number;
}

export interface Gathered {
  readonly life: number | null;
  readonly texts: readonly string[];
  readonly last: number;
  readonly more: boolean;
}

/** Records of one life, in order, until there are `limit`, or `charsMax` are passed. */
export async function gather(
  context: MemoryContext,
  { place, shelf, life, after, limit, charsMax }: Wanted,
): Promise<Gathered | Fault> {
  const texts: string[] = [];
  let last = after;
  let chars = 0;
  let inLife = life;
  for (;;) {
    const args = {
      shelf,
      life: inLife,
      after: last,
      limit: Math.min(READ_AT_ONCE, limit - texts.length),
      newestFirst: false,
    };
    const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'read', args, askOptions(context));
    if (!answer.ok) return answer.fault;
    const page = answer.value;
    if (page.life === null) return { life: inLife, texts, last, more: false };
    inLife = page.life;
    for (const { seq, json } of page.records) {
      texts.push(json);
      chars += json.length;
      last = seq;
    }
    if (!page.more || texts.length >= limit || chars >= charsMax) {
      return { life: inLife, texts, last, more: page.more };
    }
  }
}
