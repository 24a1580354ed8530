// Public messages of removal: what an admin takes back, and what everybody who may observe knows of it.

import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from './registry.js';
import { type Static, Type } from './schema.js';

export const REASON_BYTES_MAX = 1_024;

export const RemoveContent = Type.Object({
  key: Type.Optional(Type.String({ description: 'The values that a key of the shared state has had up to now.' })),
  message_id: Type.Optional(Type.String({ description: 'The content of a message. One of the two.' })),
  reason: Type.String({ minLength: 1, description: `Shown to everybody; at most ${REASON_BYTES_MAX} bytes.` }),
});
export type RemoveContent = Static<typeof RemoveContent>;

export const ContentRemoved = Type.Object({
  removal_id: Type.String({ format: 'uuid' }),
  ts: Type.String({ format: 'date-time' }),
  action: Type.String({ enum: ['remove_state', 'remove_message'] }),
  key: Type.Optional(Type.String()),
  message_id: Type.Optional(Type.String()),
  reason: Type.String(),
  performed_by: Type.String(),
  content_hash: Type.String({ description: 'SHA-256, in hex, of what was removed; of a key: of its last value.' }),
});
export type ContentRemoved = Static<typeof ContentRemoved>;

export const Transparency = Type.Object({
  removals: Type.Array(ContentRemoved, { description: 'Oldest first.' }),
  total: Type.Integer({ minimum: 0 }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type Transparency = Static<typeof Transparency>;

export const TransparencyQuery = Type.Object({
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT })),
});
