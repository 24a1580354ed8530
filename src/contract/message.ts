// Public messages about messages: send, take, acknowledge.

import { redacted } from './redacted.js';
import { type Static, Type } from './schema.js';

export const TAKE_LIMIT_MAX = 100;
export const TAKE_LIMIT_DEFAULT = 50;
export const LEASE_S_MAX = 3600;
export const LEASE_S_DEFAULT = 60;
export const WAIT_S_MAX = 30;
export const BATCH_ITEMS_MAX = 100;
export const ACK_IDS_MAX = 1000;
/** A UUID in text is 36; what is longer was never one of our ids. */
export const MESSAGE_ID_BYTES_MAX = 64;

export const SendMessage = Type.Object({
  to: Type.String({ description: 'The address of an agent.' }),
  content: Type.String({ minLength: 1, description: 'At least one byte; bounded by messaging.content_bytes_max.' }),
});
export type SendMessage = Static<typeof SendMessage>;

export const MessageSent = Type.Object({
  message_id: Type.String({ format: 'uuid' }),
  from: Type.String(),
  to: Type.String(),
  timestamp: Type.String({ format: 'date-time' }),
});
export type MessageSent = Static<typeof MessageSent>;

export const SendBatch = Type.Object({
  messages: Type.Array(SendMessage, { minItems: 1, maxItems: BATCH_ITEMS_MAX }),
});
export type SendBatch = Static<typeof SendBatch>;

export const BatchRefused = Type.Object({
  error: Type.String(),
  message: Type.String(),
  detail: Type.Optional(Type.String()),
});

export const BatchSent = Type.Object({
  results: Type.Array(Type.Union([MessageSent, BatchRefused]), { description: 'One for each item, in their order.' }),
});
export type BatchSent = Static<typeof BatchSent>;

export const Message = Type.Object({
  message_id: Type.String({ format: 'uuid' }),
  from: Type.String(),
  to: Type.String(),
  content: Type.String(),
  timestamp: Type.String({ format: 'date-time' }),
  redacted,
});

export const MessagesTaken = Type.Object({
  messages: Type.Array(Message, { description: 'Oldest first.' }),
  remaining: Type.Integer({ minimum: 0, description: 'How many are left in the inbox.' }),
});
export type MessagesTaken = Static<typeof MessagesTaken>;

export const TakeQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: TAKE_LIMIT_MAX, default: TAKE_LIMIT_DEFAULT })),
  mode: Type.Optional(
    Type.Union([Type.Literal('consume'), Type.Literal('lease')], {
      default: 'consume',
      description: 'consume: what is returned is gone. lease: it comes back unless it is acknowledged in time.',
    }),
  ),
  lease_s: Type.Optional(
    Type.Integer({ minimum: 1, maximum: LEASE_S_MAX, default: LEASE_S_DEFAULT, description: 'Seconds.' }),
  ),
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: WAIT_S_MAX, default: 0, description: 'Seconds to wait for a first message.' }),
  ),
});

export const AckMessages = Type.Object({
  message_ids: Type.Array(Type.String(), { minItems: 1, maxItems: ACK_IDS_MAX }),
});
export type AckMessages = Static<typeof AckMessages>;

export const MessagesAcked = Type.Object({
  acked: Type.Integer({ minimum: 0 }),
  unknown: Type.Array(Type.String(), { description: 'Ids that were not leased, or no longer.' }),
});
export type MessagesAcked = Static<typeof MessagesAcked>;
