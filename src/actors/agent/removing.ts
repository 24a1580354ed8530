// Removing
//
// The content of a message that an admin removed leaves the inbox, if it is still there: whoever is given the message from
// then on is given what stands in its place.
//
// RV1. The message keeps its place, its lease and its share of the inbox's bounds: nothing but its content changes.
// RV2. A message is removed once: the same once more finds the record of the first.

import { REDACTED, type RemovalTarget } from '../../redaction.js';
import { lastRemoval, recordRemoval } from '../removal/protocol.js';
import type { InboxRow } from './inbox.js';
import type { Context, On } from './taking.js';
import { offerAgain } from './webhook.js';

export const remove: On<'remove'> = (context, { messageId, seq, contentHash, order }) => {
  const target: RemovalTarget = { kind: 'message', id: messageId };
  const earlier = lastRemoval(context.store, target);
  if (earlier !== undefined) return earlier;
  if (seq !== null) redact(context, messageId, seq);
  return recordRemoval(context, order, target, contentHash);
};

/** `seq`: where the message was when it was looked for. It may have left since. */
function redact(context: Context, messageId: string, seq: number): void {
  const { life } = context.state;
  const row = context.store.get(['inbox', context.key, seq]) as InboxRow | undefined;
  if (row?.messageId !== messageId) return;
  const redacted: InboxRow = { ...row, content: REDACTED, redacted: true };
  context.store.put(['inbox', context.key, seq], redacted);
  if (life.kind !== 'alive') return;
  life.inbox.replace(seq, redacted);
  offerAgain(context, life, seq, redacted);
}
