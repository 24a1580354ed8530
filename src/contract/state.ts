// Public messages of the shared state.

import { redacted } from './redacted.js';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from './registry.js';
import { type Static, Type } from './schema.js';

/** Reads as the capacity of the store; nobody may write it. */
export const CAPACITY_KEY = '_capacity';
/** An etag of ours is far shorter; a longer one matches nothing. */
export const ETAG_BYTES_MAX = 64;

export const StateValue = Type.Object({
  key: Type.String(),
  value: Type.String(),
  last_modified_by: Type.String(),
  last_modified_at: Type.String({ format: 'date-time' }),
  redacted,
});
export type StateValue = Static<typeof StateValue>;

export const PutState = Type.Object({
  value: Type.String({ description: 'May be empty; bounded by state.value_bytes_max.' }),
});
export type PutState = Static<typeof PutState>;

export const StateWritten = Type.Object({
  key: Type.String(),
  written_by: Type.String(),
  written_at: Type.String({ format: 'date-time' }),
});
export type StateWritten = Static<typeof StateWritten>;

export const StateDeleted = Type.Object({
  key: Type.String(),
  deleted_by: Type.String(),
  deleted_at: Type.String({ format: 'date-time' }),
});
export type StateDeleted = Static<typeof StateDeleted>;

export const StateKeys = Type.Object({
  keys: Type.Array(Type.String(), { description: 'In the order of their UTF-8 bytes.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
  total: Type.Integer({ minimum: 0, description: 'How many keys begin with the prefix.' }),
});
export type StateKeys = Static<typeof StateKeys>;

export const StateQuery = Type.Object({
  prefix: Type.Optional(Type.String({ default: '' })),
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT })),
});

export const Capacity = Type.Object({
  used_bytes: Type.Integer({ minimum: 0 }),
  total_bytes: Type.Integer({ minimum: 0 }),
  key_count: Type.Integer({ minimum: 0 }),
});
export type Capacity = Static<typeof Capacity>;
