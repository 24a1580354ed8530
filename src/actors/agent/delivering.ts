// Delivering
//
// How a message enters an inbox, within its bounds.
//
// D1. Accepted means: the row, the head and one message_sent event are in the commit of this turn.
// D2. After a delivery the inbox holds at most `messagesMax` messages and `bytesMax` bytes of content.
// D3. Under `drop_oldest` the oldest available messages give way, each with one message_dropped event: nobody holds a
//     lease on them, no session and no webhook has them; when even that is not enough, nothing is dropped and the new message is refused.

import { refuse } from '../../runtime/actor.js';
import type { InboxRow } from './inbox.js';
import type { AgentMessages, Message } from './protocol.js';
import type { Alive } from './state.js';
import { type Context, deleteRows, readRow } from './taking.js';

export interface InboxBounds {
  readonly messagesMax: number;
  /** UTF-8 bytes of all contents. */
  readonly bytesMax: number;
  readonly overflow: 'refuse' | 'drop_oldest';
}

const FULL = refuse('INBOX_FULL');

/** Appends a message, or refuses it. */
export function append(
  context: Context,
  life: Alive,
  bounds: InboxBounds,
  { messageId, from, content, at }: Message,
): AgentMessages['deliver']['reply'] | typeof FULL {
  const { inbox } = life;
  const to = context.key;
  const bytes = Buffer.byteLength(content);
  if (inbox.count >= bounds.messagesMax || inbox.bytes + bytes > bounds.bytesMax) {
    if (bounds.overflow === 'refuse' || !dropOldest(context, life, bounds, bytes)) return FULL;
  }
  const row: InboxRow = { messageId, from, content, at, bytes };
  context.store.put(['inbox', to, inbox.append(row)], row);
  context.emit('message_sent', from, { message_id: messageId, from, to, content, content_length: bytes });
  return { messageId, at };
}

/** Makes room for `bytes` more in one message. False, and nothing is changed, when that cannot be done. */
function dropOldest(context: Context, life: Alive, bounds: InboxBounds, bytes: number): boolean {
  const { inbox } = life;
  const dropped: { readonly seq: number; readonly row: InboxRow }[] = [];
  let freed = 0;
  while (inbox.count - dropped.length >= bounds.messagesMax || inbox.bytes - freed + bytes > bounds.bytesMax) {
    const seq = inbox.peek(dropped.length);
    if (seq === undefined) return false;
    const row = readRow(context, life, seq);
    dropped.push({ seq, row });
    freed += row.bytes;
  }
  for (const { seq, row } of dropped) {
    inbox.remove(row);
    deleteRows(context, life, seq);
    context.emit('message_dropped', context.key, { message_id: row.messageId, to: context.key, reason: 'inbox_full' });
  }
  return true;
}
