// Public messages about the server itself.

import { type Static, Type } from './schema.js';

export const Health = Type.Object({
  status: Type.Literal('ok'),
  version: Type.String(),
});
export type Health = Static<typeof Health>;

/** What an admin sees. The parts of the process put in what they know; the members named here are always there. */
export const Status = Type.Object(
  {
    version: Type.String(),
    draining: Type.Boolean(),
    agents: Type.Integer({ minimum: 0, description: 'Registered and not retired.' }),
    state: Type.Object({
      used_bytes: Type.Integer({ minimum: 0 }),
      total_bytes: Type.Integer({ minimum: 0 }),
      key_count: Type.Integer({ minimum: 0 }),
    }),
  },
  { additionalProperties: true },
);

export const WorkerReplaced = Type.Object({
  worker: Type.Integer({ minimum: 0 }),
  replaced: Type.Literal(true),
});
export type WorkerReplaced = Static<typeof WorkerReplaced>;
