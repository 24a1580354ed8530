// Observation
//
// What the clients of a run saw, in plain data, so that checker.ts can judge it without a server.
// Times are milliseconds of the machine's monotonic clock, which all processes share.

import { createHash } from 'node:crypto';

/** One message that a client meant to send: attempted until acknowledged, or given up. */
export interface Sent {
  readonly from: string;
  readonly to: string;
  /** Its place among the messages of this sender to this recipient, from 0. */
  readonly place: number;
  /** The id that the 202 named; null when the sender never got one, and the outcome is unknown. */
  readonly messageId: string | null;
}

export interface Arrival {
  readonly from: string;
  readonly to: string;
  readonly place: number;
  readonly messageId: string;
  /** The text is the one that was stamped. */
  readonly intact: boolean;
}

export type InboxEvent =
  | { readonly kind: 'arrived'; readonly messages: readonly Arrival[] }
  /** A read whose answer never came: the server may have leased up to READ_LIMIT messages to nobody. */
  | { readonly kind: 'lost' }
  /** The server confirmed that these are done. */
  | { readonly kind: 'acked'; readonly messageIds: readonly string[] };

/** `consume`: read once, without kills. `lease`: read during the kills, and acknowledged. */
export interface Inbox {
  readonly agent: string;
  readonly mode: 'consume' | 'lease';
  readonly events: readonly InboxEvent[];
}

/** Most messages that one read asks for. */
export const READ_LIMIT = 20;

/** A put, or a delete (`value` null). */
export interface Write {
  readonly key: string;
  readonly value: string | null;
  readonly startedAt: number;
  /** When it was acknowledged, or when its client learned that it failed and gave up. */
  readonly endedAt: number;
  readonly acknowledged: boolean;
}

export interface Read {
  readonly key: string;
  /** Null when the key was not there; CORRUPT when the value is not one that anybody stamped. */
  readonly value: string | null;
  readonly startedAt: number;
  readonly endedAt: number;
}

export const CORRUPT = 'corrupt';

/** How often one client added one to a shared number by compare-and-set. */
export interface Additions {
  readonly key: string;
  readonly acknowledged: number;
  readonly unknown: number;
}

/** What one client process hands over at the end. */
export interface Observation {
  readonly sent: readonly Sent[];
  readonly inboxes: readonly Inbox[];
  readonly writes: readonly Write[];
  readonly reads: readonly Read[];
  readonly additions: readonly Additions[];
}

/** What the server says of its shared state at the end, and what counting it by hand gives. */
export interface Recount {
  readonly usedBytes: { readonly said: number; readonly counted: number };
  readonly keyCount: { readonly said: number; readonly counted: number };
  readonly listTotal: { readonly said: number; readonly counted: number };
  /** The shared numbers by key. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Milliseconds of the monotonic clock that every process of this machine shares. */
export function machineTimeMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

const DIGEST_LENGTH = 8;

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH);
}

/** A text that says which one it is and whether it is whole. `id` holds no space. */
export function stamp(id: string, text: string): string {
  return `${id} ${digest(`${id} ${text}`)} ${text}`;
}

/** The id of a stamped text, or null when it is not whole. */
export function readStamp(content: string): string | null {
  const idEnd = content.indexOf(' ');
  const textStart = idEnd + DIGEST_LENGTH + 2;
  const id = content.slice(0, idEnd);
  const whole = content.slice(idEnd + 1, textStart - 1) === digest(`${id} ${content.slice(textStart)}`);
  return idEnd > 0 && content[textStart - 1] === ' ' && whole ? id : null;
}
