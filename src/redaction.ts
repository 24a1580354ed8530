// Redaction
//
// What stands in the place of what an admin removed, wherever it is seen. Pure functions over one thing at a time, for
// whoever keeps or shows events: the log, its archives, exports.
//
// RD1. What is redacted twice is as if it were redacted once.
// RD2. Whatever is not the content itself stays: who, to whom, when, how long it was.

import { createHash } from 'node:crypto';

export const REDACTED = '[REDACTED — see /observe/transparency]';

/** What an admin may have removed: the content of a message, or the values that a key of the shared state has had. */
export type RemovalTarget =
  | { readonly kind: 'message'; readonly id: string }
  | { readonly kind: 'key'; readonly id: string };

/** The part of an event that it is about. */
export interface EventContent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where an event holds what can be removed: by the kind of the target. */
const PLACES = {
  message: { type: 'message_sent', name: 'message_id', content: 'content' },
  key: { type: 'state_written', name: 'key', content: 'value' },
} as const;

/** What the event holds of the target; undefined where it holds nothing of it, or does not any more. */
export function contentIn({ type, data }: EventContent, target: RemovalTarget): string | undefined {
  const place = PLACES[target.kind];
  if (type !== place.type || data[place.name] !== target.id || data.redacted === true) return undefined;
  return String(data[place.content]);
}

/** The event without what it holds of the target; undefined where it holds nothing of it (RD1). */
export function redactEvent<E extends EventContent>(event: E, target: RemovalTarget): E | undefined {
  if (contentIn(event, target) === undefined) return undefined;
  return { ...event, data: { ...event.data, [PLACES[target.kind].content]: REDACTED, redacted: true } };
}

/** The member of an event's data that names the target, and the type of the events that hold content of it. */
export function placeOf(target: RemovalTarget): { readonly type: string; readonly name: string } {
  return PLACES[target.kind];
}

/** SHA-256 of a content, in lower case hex: so that whoever has it can show that it was this one. */
export function contentHash(content: string): string {
  return createHash('sha256').update(content, 'utf8').digest('hex');
}
