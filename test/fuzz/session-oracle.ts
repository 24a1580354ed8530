// Session oracle
//
// What a server must say to frames that are framed well, by the contract alone: which requests are answered, and whether
// and how the session ends.
//
//     no token ── auth ──▶ token ── hello ──▶ live
//
// O1. A request of a live session is answered once, also one of the wrong shape if its id can be read.
// O2. Anything else that is wrong ends the session with 4000, a token that is wrong with 4003. What is said behind that is
//     not answered, and what was said before may not be answered any more.
// O3. An `unwatch` may take back a `watch` that was not answered yet: then one answer is for both.

import { checker } from '../../src/contract/schema.js';
import { type AgentFrameType, agentFrames, CLOSE, FRAME_ID_CHARS_MAX } from '../../src/contract/session.js';
import type { Frame } from './session-frames.js';

export interface Expected {
  /** By the id, as JSON: how many answers there must be, and may be. */
  readonly answers: ReadonlyMap<string, { readonly least: number; readonly most: number }>;
  /** `maybe`: with 4000 or not at all. */
  readonly end: 'none' | 'maybe' | typeof CLOSE.badFrame | typeof CLOSE.unauthorized;
}

const shapes = new Map(Object.entries(agentFrames).map(([type, schema]) => [type, checker(schema)]));

/** Frames before hello that are larger may be too much to be kept, or not, by how quickly the token is verified. */
const EARLY_BYTES_MAX = 4_096;

interface Walk {
  state: 'no_token' | 'token' | 'live';
  end: Expected['end'];
  readonly asked: Map<string, { count: number; watches: number; unwatched: boolean }>;
}

/** `frames`: the values as the server decodes them, with the bytes of each. `goodToken`: of this agent. */
export function expect(
  frames: readonly { readonly value: unknown; readonly bytes: number }[],
  headerToken: 'good' | 'wrong' | 'none',
  goodToken: string,
): Expected {
  const walk: Walk = { state: headerToken === 'none' ? 'no_token' : 'token', end: 'none', asked: new Map() };
  if (headerToken === 'wrong') walk.end = CLOSE.unauthorized;
  for (const { value, bytes } of frames) {
    if (walk.end === CLOSE.badFrame || walk.end === CLOSE.unauthorized) break;
    if (walk.state !== 'live' && bytes > EARLY_BYTES_MAX) walk.end = 'maybe';
    step(walk, value, goodToken);
  }
  const answers = new Map<string, { least: number; most: number }>();
  for (const [id, { count, watches, unwatched }] of walk.asked) {
    const least = walk.end === 'none' ? count - (unwatched ? watches : 0) : 0;
    answers.set(id, { least, most: count });
  }
  return { answers, end: walk.end };
}

function step(walk: Walk, value: unknown, goodToken: string): void {
  const frame = value as Frame;
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const shape = isObject && typeof frame.type === 'string' ? shapes.get(frame.type) : undefined;
  if (shape === undefined) walk.end = CLOSE.badFrame;
  else if (!shape.check(value)) misshapen(walk, frame);
  else wellShaped(walk, frame, goodToken);
}

function misshapen(walk: Walk, frame: Frame): void {
  const isRequest = frame.type !== 'auth' && frame.type !== 'hello' && frame.type !== 'ack';
  if (walk.state === 'live' && isRequest && isReadable(frame.id)) ask(walk, frame);
  else walk.end = CLOSE.badFrame;
}

function wellShaped(walk: Walk, frame: Frame, goodToken: string): void {
  const type = frame.type as AgentFrameType;
  if (walk.state === 'no_token' && type === 'auth') {
    if (frame.token === goodToken) walk.state = 'token';
    else walk.end = CLOSE.unauthorized;
  } else if (walk.state === 'token' && type === 'hello') {
    walk.state = 'live';
  } else if (walk.state !== 'live' || type === 'auth' || type === 'hello') {
    walk.end = CLOSE.badFrame;
  } else if (type !== 'ack') {
    ask(walk, frame);
  } else if (frame.seq !== 0) {
    // Whether there is such a seq is up to what others have sent meanwhile.
    walk.end = 'maybe';
  }
}

function ask(walk: Walk, { id, type }: Frame): void {
  const name = JSON.stringify(id);
  const asked = walk.asked.get(name) ?? { count: 0, watches: 0, unwatched: false };
  asked.count++;
  if (type === 'watch') asked.watches++;
  if (type === 'unwatch') asked.unwatched = true;
  walk.asked.set(name, asked);
}

function isReadable(id: unknown): boolean {
  if (typeof id === 'string') return id.length > 0 && id.length <= FRAME_ID_CHARS_MAX;
  return Number.isInteger(id);
}
