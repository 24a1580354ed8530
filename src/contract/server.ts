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

export const Ceiling = Type.Object({
  component: Type.Union([
    Type.Literal('storage'),
    Type.Literal('event_log'),
    Type.Literal('authentication'),
    Type.Literal('queues'),
    Type.Literal('registry'),
    Type.Literal('webhooks'),
    Type.Literal('server'),
  ]),
  measure: Type.String({ description: 'What is measured, with its unit.' }),
  value: Type.Union([Type.Number(), Type.Null()], { description: 'Of the last 5 minutes; null: too little to go by.' }),
  threshold: Type.Number(),
  state: Type.Union([Type.Literal('ok'), Type.Literal('watch'), Type.Literal('act')], {
    description: 'watch from 70 % of the threshold on, act from the threshold on.',
  }),
  since: Type.String({ format: 'date-time', description: 'When the state began.' }),
  trend: Type.Union([Type.Literal('rising'), Type.Literal('steady'), Type.Literal('falling'), Type.Null()], {
    description:
      'The later half of the 5 minutes beside the earlier, by a tenth of the threshold; null: too little to go by.',
  }),
  next_step: Type.String({ description: 'What to do about it, in words.' }),
});
export type Ceiling = Static<typeof Ceiling>;

export const CeilingList = Type.Object({ ceilings: Type.Array(Ceiling) });
export type CeilingList = Static<typeof CeilingList>;

export const WorkerReplaced = Type.Object({
  worker: Type.Integer({ minimum: 0 }),
  replaced: Type.Literal(true),
});
export type WorkerReplaced = Static<typeof WorkerReplaced>;
