// Public messages of the registry: who is here.

import { type Static, Type } from './schema.js';

export const PAGE_LIMIT_MAX = 1000;
export const PAGE_LIMIT_DEFAULT = 100;
/** A cursor of the registry is the encoded place of an agent: a UUID. */
export const REGISTRY_CURSOR_BYTES_MAX = 64;

export const Agent = Type.Object({
  address: Type.String(),
  registered_at: Type.String({ format: 'date-time' }),
});
export type Agent = Static<typeof Agent>;

export const AgentPage = Type.Object({
  agents: Type.Array(Agent, { description: 'Oldest first.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
  total: Type.Integer({ minimum: 0 }),
});
export type AgentPage = Static<typeof AgentPage>;

export const PageQuery = Type.Object({
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PAGE_LIMIT_MAX,
      default: PAGE_LIMIT_DEFAULT,
      description: 'Anything else than a number in range is the default.',
    }),
  ),
});
