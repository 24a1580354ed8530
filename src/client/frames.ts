// Frames
//
// The frames of a session as this side reads and writes them. The types are the contract's; its values are not imported,
// because a page should not load a schema library to know two names. A test holds them to the contract.
//
// What a server sends is checked as far as the client builds upon it. Unknown types and members are ignored: the server may
// be the newer one.

import type { AgentFrame, ServerFrame, SessionLimits } from '../contract/session.js';

export const PATH = '/v1/session';
export const SUBPROTOCOL = 'troupe.v1.json';

export const CLOSED = {
  normal: 1000,
  badFrame: 4000,
  replaced: 4001,
  unauthorized: 4003,
  retired: 4004,
} as const;

/** Codes that say: it was something in your frames. Repeating them for ever would not help. */
export const BREACH_CODES: readonly number[] = [1002, 1003, 1007, 1009, CLOSED.badFrame];

export function frameText(frame: AgentFrame): string {
  return JSON.stringify(frame);
}

/** Undefined for what is no frame of the contract. `type` may be one that is not known here. */
export function readFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  let frame: Partial<Record<string, unknown>>;
  try {
    frame = JSON.parse(data) as typeof frame;
  } catch {
    // The only thing that it throws for.
    return undefined;
  }
  if (typeof frame !== 'object' || frame === null || typeof frame.type !== 'string') return undefined;
  return sound(frame) ? (frame as ServerFrame) : undefined;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isId = (value: unknown): boolean => isText(value) || Number.isSafeInteger(value);
const isOptional = (check: (value: unknown) => boolean, value: unknown): boolean => value === undefined || check(value);

function hasLimits(limits: unknown): boolean {
  if (typeof limits !== 'object' || limits === null) return false;
  const { frame_bytes_max, requests_in_flight_max, watches_max } = limits as Partial<SessionLimits>;
  return [frame_bytes_max, requests_in_flight_max, watches_max].every(isCount);
}

function sound(frame: Partial<Record<string, unknown>>): boolean {
  switch (frame.type) {
    case 'welcome':
      return (
        [frame.epoch, frame.agent, frame.session_id].every(isText) &&
        [frame.next_seq, frame.heartbeat_ms, frame.window].every(isCount) &&
        typeof frame.resumed === 'boolean' &&
        hasLimits(frame.limits)
      );
    case 'message':
      return isCount(frame.seq) && [frame.message_id, frame.from, frame.content, frame.timestamp].every(isText);
    case 'change':
      return [frame.key, frame.by, frame.at].every(isText) && typeof frame.deleted === 'boolean';
    case 'ok':
    case 'pong':
      return isId(frame.id);
    case 'error':
      return (
        isOptional(isId, frame.id) &&
        [frame.error, frame.message].every(isText) &&
        isOptional(isCount, frame.retry_after_ms)
      );
    case 'draining':
      return isCount(frame.resume_after_ms);
    default:
      return true;
  }
}
