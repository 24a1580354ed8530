// What is said in one session, and what must come of it: made from a seed and the number of the connection, and from
// nothing else, so that one that went wrong can be said again by itself.

import { Packr } from 'msgpackr';
import { SESSION_PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../src/contract/session.js';
import { Random } from './random.js';
import { breach } from './session-breaches.js';
import { type Frame, goodFrame, helloFrame, mutateFrame, NO_FRAMES, type SessionCast } from './session-frames.js';
import { type Expected, expect } from './session-oracle.js';
import { encodeWire, OPCODE, type Upgrade } from './session-wire.js';

export interface SessionPlan {
  /** good, shape: framed well, so `expected` says what must come. wire: anything but nonsense may come. upgrade: no session. */
  readonly kind: 'good' | 'shape' | 'wire' | 'upgrade';
  readonly msgpack: boolean;
  readonly upgrade: Upgrade;
  /** Written as soon as the socket is open; the rest when there was a welcome. */
  readonly opening: readonly Buffer[];
  readonly rest: readonly Buffer[];
  readonly frames: number;
  readonly expected: Expected;
  /** Of a wire plan: the connection must end. */
  readonly ends: boolean;
  /** Of a wire plan: it goes wrong before hello, so that there may be no welcome. */
  readonly early: boolean;
  readonly ending: 'close' | 'reset';
  /** What is said, to be read by a person. */
  readonly shown: readonly string[];
}

/** Of an id that must never be answered. */
export const NEVER = 'never';
/** The last frame of every plan that has one: when it is answered, nothing more is on its way. */
export const FENCE = 'fence';

const FRAMES_MAX = 24;
/** More than may be in flight at once. */
const FLOOD_FRAMES = 400;
const FLOOD_ONE_IN = 60;
const SHOWN_BYTES_MAX = 1_000;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const NOTHING: Expected = { answers: new Map(), end: 'none' };

interface Encoding {
  readonly msgpack: boolean;
  readonly opcode: number;
  encode(value: unknown): Buffer;
  /** As the server will see it. */
  decode(bytes: Buffer): unknown;
}

const JSON_ENCODING: Encoding = {
  msgpack: false,
  opcode: OPCODE.text,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString('utf8')),
};
const MSGPACK_ENCODING: Encoding = {
  msgpack: true,
  opcode: OPCODE.binary,
  encode: (value) => packr.pack(value),
  decode: (bytes) => packr.unpack(bytes),
};

/** Half a surrogate pair has no UTF-8: JSON escapes it, and nothing else of these values; in MessagePack the frame is none. */
function hasHalfPair(value: unknown): boolean {
  return /\\ud[89a-f]/.test(JSON.stringify(value));
}

/** `lane`: whose agent it is; each lane has its own, so that no session takes the place of another. */
export function makeSessionPlan(seed: number, connection: number, cast: SessionCast, lane: number): SessionPlan {
  const random = new Random(seed, connection);
  const encoding = random.oneIn(2) ? JSON_ENCODING : MSGPACK_ENCODING;
  const token = cast.tokens[lane]!;
  const kind = random.pick(['good', 'shape', 'shape', 'wire', 'wire', 'upgrade'] as const);
  const ending = random.oneIn(4) ? 'reset' : 'close';
  if (kind === 'upgrade' && random.oneIn(3)) return upgradePlan(random, encoding, token, ending);
  const inHeader = random.oneIn(2);
  const upgrade = upgradeOf(random, encoding, inHeader ? token : undefined);
  const first: Frame[] = inHeader ? [helloFrame(random)] : [{ type: 'auth', token }, helloFrame(random)];
  const base = { msgpack: encoding.msgpack, upgrade, ending } as const;
  if (kind === 'wire') return wirePlan(random, encoding, cast, base, first);
  const frames = framesOf(random, cast, kind === 'good');
  if (kind !== 'good' && random.oneIn(5)) first[random.below(first.length)] = mutateFrame(random, random.pick(first));
  const values: unknown[] = [...first, ...frames, { type: 'ping', id: FENCE }];
  if (kind !== 'good' && random.oneIn(10)) values.splice(random.below(values.length), 0, random.pick(NO_FRAMES));
  const encoded = values.map((value) => encoding.encode(value));
  const wire = encoded.map((payload) => wireOf(random, encoding, payload));
  const seen = encoded.map((payload, index) => ({
    value: encoding.msgpack && hasHalfPair(values[index]) ? undefined : encoding.decode(payload),
    bytes: payload.length,
  }));
  return {
    ...base,
    kind: kind === 'good' ? 'good' : 'shape',
    opening: wire.slice(0, first.length),
    rest: [...inPieces(random, Buffer.concat(wire.slice(first.length)))],
    frames: values.length,
    expected: expect(seen, inHeader ? 'good' : 'none', token),
    ends: false,
    early: false,
    shown: values.map((value) => JSON.stringify(value)),
  };
}

function framesOf(random: Random, cast: SessionCast, good: boolean): Frame[] {
  const count = random.oneIn(FLOOD_ONE_IN) ? FLOOD_FRAMES : random.below(FRAMES_MAX);
  const watches: unknown[] = [];
  const wrongOneIn = random.pick([2, 8, 20]);
  return Array.from({ length: count }, (_, index) => {
    const id = random.oneIn(2) ? `r${index}` : index;
    const frame = goodFrame(random, cast, id);
    if (frame.type === 'watch') watches.push(id);
    if (frame.type === 'unwatch' && watches.length > 0) frame.id = random.pick(watches);
    return good || !random.oneIn(wrongOneIn) ? frame : mutateFrame(random, frame);
  });
}

/** In one frame or in fragments, perhaps with a ping between them. */
function wireOf(random: Random, { opcode }: Encoding, payload: Buffer): Buffer {
  if (payload.length < 4 || !random.oneIn(6)) return encodeWire({ opcode, payload });
  const cut = 1 + random.below(payload.length - 1);
  const between = random.oneIn(2) ? [encodeWire({ opcode: OPCODE.ping, payload: Buffer.from('between') })] : [];
  return Buffer.concat([
    encodeWire({ opcode, payload: payload.subarray(0, cut), fin: false }),
    ...between,
    encodeWire({ opcode: OPCODE.continuation, payload: payload.subarray(cut) }),
  ]);
}

/** Cut anywhere, as a network may. */
function inPieces(random: Random, bytes: Buffer): Buffer[] {
  if (!random.oneIn(4)) return [bytes];
  const cuts = Array.from({ length: 4 }, () => random.below(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}

function upgradeOf(random: Random, { msgpack }: Encoding, token: string | undefined): Upgrade {
  const protocol = msgpack ? SUBPROTOCOL_MSGPACK : SUBPROTOCOL_JSON;
  const offered = random.pick([[protocol], [protocol], ['x', protocol], [protocol, 'troupe.v9.json']]);
  return {
    path: SESSION_PATH,
    protocols: offered,
    authorization: token === undefined ? undefined : `Bearer ${token}`,
    offersDeflate: random.oneIn(2),
    changed: {},
  };
}

type Base = Pick<SessionPlan, 'msgpack' | 'upgrade' | 'ending'>;

function wirePlan(
  random: Random,
  encoding: Encoding,
  cast: SessionCast,
  base: Base,
  first: readonly Frame[],
): SessionPlan {
  const { opcode } = encoding;
  const framed = (value: unknown): Buffer => encodeWire({ opcode, payload: encoding.encode(value) });
  const wire = Buffer.concat([0, 1, 2].map((id) => framed(goodFrame(random, cast, id))));
  const { bytes, ends, frames } = breach(random, {
    opcode,
    payload: encoding.encode({ type: 'ping', id: NEVER }),
    wire,
  });
  // Before the session is live, too.
  const early = random.oneIn(4) ? random.below(first.length + 1) : first.length;
  return {
    ...base,
    kind: 'wire',
    opening: early < first.length ? [...first.slice(0, early).map(framed), bytes] : first.map(framed),
    rest: [...(early < first.length ? [] : [bytes]), framed({ type: 'ping', id: FENCE })],
    frames: first.length + frames + 1,
    expected: NOTHING,
    ends,
    early: early < first.length,
    shown: [
      ...first.map((value) => JSON.stringify(value)),
      `behind ${early} of them, masked: ${bytes.toString('hex', 0, SHOWN_BYTES_MAX)}`,
    ],
  };
}

const HEADER_CHANGES: readonly Readonly<Record<string, string | undefined>>[] = [
  { 'Sec-WebSocket-Version': '8' },
  { 'Sec-WebSocket-Version': undefined },
  { 'Sec-WebSocket-Key': undefined },
  { 'Sec-WebSocket-Key': 'short' },
  { 'Sec-WebSocket-Key': 'x'.repeat(9_000) },
  { 'Sec-WebSocket-Protocol': undefined },
  { 'Sec-WebSocket-Protocol': 'x' },
  { 'Sec-WebSocket-Protocol': ',,' },
  { 'Sec-WebSocket-Protocol': 'TROUPE.V1.JSON' },
  { 'Sec-WebSocket-Protocol': `${'x,'.repeat(500)}x` },
  { 'Sec-WebSocket-Extensions': 'x'.repeat(5_000) },
  { Upgrade: 'h2c' },
  { Upgrade: undefined },
  { Connection: 'keep-alive' },
  { Host: undefined },
  { 'Content-Length': '5' },
  { 'Transfer-Encoding': 'chunked' },
];
const PATHS = [`${SESSION_PATH}/`, '/v1/sessions', '/v1/health', '/', '/v1/session%00', '/%', '//v1/session'];

function upgradePlan(random: Random, encoding: Encoding, token: string, ending: SessionPlan['ending']): SessionPlan {
  const good = upgradeOf(random, encoding, random.oneIn(2) ? token : undefined);
  const upgrade = random.oneIn(3)
    ? { ...good, path: random.pick(PATHS) }
    : { ...good, changed: random.pick(HEADER_CHANGES) };
  const opening = [encodeWire({ opcode: encoding.opcode, payload: encoding.encode({ type: 'hello' }) })];
  const base = {
    msgpack: encoding.msgpack,
    upgrade,
    ending,
    rest: [],
    frames: 1,
    ends: false,
    early: false,
    shown: [],
  } as const;
  return { ...base, kind: 'upgrade', opening, expected: NOTHING };
}
