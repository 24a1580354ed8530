// Public messages of observation: what may be seen of a running server, without taking part.

import { redacted } from './redacted.js';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from './registry.js';
import { type Static, Type } from './schema.js';

/** All of them begin with it. */
export const OBSERVE_PATH = '/observe/';
export const STREAM_PATH = '/observe/events/stream';
/** The same as server-sent events. */
export const SSE_PATH = '/observe/events/sse';
/** An address, or whatever else events are filed under. */
export const AGENT_BYTES_MAX = 256;
export const TYPES_MAX = 16;
/** The server ends a stream with it, behind a `cut_off` message. */
export const CLOSE_CUT_OFF = 4008;
/** The token is not good, which showed only behind the handshake. */
export const CLOSE_UNAUTHORIZED = 4003;

export const ObservedEvent = Type.Object({
  seq: Type.Integer({ minimum: 1, description: 'Grows by one from event to event.' }),
  ts: Type.String({ format: 'date-time' }),
  type: Type.String(),
  agent: Type.Union([Type.String(), Type.Null()], { description: 'Whom it is filed under.' }),
  data: Type.Object({}, { additionalProperties: true }),
});
export type ObservedEvent = Static<typeof ObservedEvent>;

export const ObservedEvents = Type.Object({
  events: Type.Array(ObservedEvent, { description: 'Oldest first. May be fewer than `limit`, also before the end.' }),
  next_cursor: Type.Integer({ minimum: 0, description: 'The `since` of the next page.' }),
  has_more: Type.Boolean({ description: 'False: this was the end when it was read.' }),
});
export type ObservedEvents = Static<typeof ObservedEvents>;

const filters = {
  type: Type.Optional(Type.String({ description: `Types of events, at most ${TYPES_MAX}, with commas between them.` })),
  agent: Type.Optional(Type.String({ description: 'Only what is filed under this address.' })),
};

export const EventsQuery = Type.Object({
  since: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        'Only what came after this `seq`; when absent, from where the log begins. Refused where some of that is archived.',
    }),
  ),
  ...filters,
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PAGE_LIMIT_MAX,
      default: PAGE_LIMIT_DEFAULT,
      description: 'Anything else than a number in range is the default.',
    }),
  ),
});

export const StreamQuery = Type.Object({
  since: Type.Optional(
    Type.Integer({ minimum: 0, description: 'What came after this `seq`, and then what comes. Absent: from now on.' }),
  ),
  ...filters,
});

/** The last message of a stream that the server ends. */
export const StreamCutOff = Type.Object({
  type: Type.Literal('cut_off'),
  resume_after_seq: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
    description: 'The `since` that goes on without a gap; with `archived`, behind the gap. Null: where it was begun.',
  }),
  reason: Type.String({ enum: ['slow', 'draining', 'time_over', 'observer_lost', 'archived'] }),
});
export type StreamCutOff = Static<typeof StreamCutOff>;

const keyFacts = {
  key: Type.String(),
  last_modified_by: Type.String(),
  last_modified_at: Type.String({ format: 'date-time' }),
  value_length: Type.Integer({ minimum: 0, description: 'Bytes of the value in UTF-8.' }),
  redacted,
};

export const ObservedKey = Type.Object(keyFacts);
export type ObservedKey = Static<typeof ObservedKey>;

export const ObservedKeys = Type.Object({
  keys: Type.Array(ObservedKey, { description: 'In the order of their UTF-8 bytes.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
  total: Type.Integer({ minimum: 0, description: 'How many keys begin with the prefix.' }),
});
export type ObservedKeys = Static<typeof ObservedKeys>;

const agentFacts = {
  address: Type.String(),
  registered_at: Type.String({ format: 'date-time' }),
  retired_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'Null: it has not been.',
  }),
  messages_sent: Type.Integer({ minimum: 0, description: 'Accepted for whom they were sent to.' }),
  messages_received: Type.Integer({ minimum: 0, description: 'Accepted into its inbox.' }),
  state_writes: Type.Integer({ minimum: 0 }),
  last_active: Type.String({ format: 'date-time', description: 'When something happened last that it did itself.' }),
};
const nextCursor = Type.Union([Type.String(), Type.Null()]);

export const ObservedAgent = Type.Object(agentFacts);
export type ObservedAgent = Static<typeof ObservedAgent>;

export const ObservedAgents = Type.Object({
  agents: Type.Array(ObservedAgent, { description: 'Oldest first; the retired ones too.' }),
  total: Type.Integer({ minimum: 0 }),
  next_cursor: nextCursor,
});
export type ObservedAgents = Static<typeof ObservedAgents>;

export const ObservedPeer = Type.Object({
  address: Type.String(),
  messages_sent: Type.Integer({ minimum: 0, description: 'By the agent to this peer.' }),
  messages_received: Type.Integer({ minimum: 0, description: 'By the agent from this peer.' }),
});
export type ObservedPeer = Static<typeof ObservedPeer>;

export const ObservedAgentWithPeers = Type.Object({
  ...agentFacts,
  peers: Type.Array(ObservedPeer, {
    description: 'With whom it has exchanged messages: most of both ways together first.',
  }),
  peers_total: Type.Integer({ minimum: 0 }),
  next_cursor: nextCursor,
});
export type ObservedAgentWithPeers = Static<typeof ObservedAgentWithPeers>;

export const ObservedNode = Type.Object({
  address: Type.String(),
  messages_sent: Type.Integer({ minimum: 0 }),
  messages_received: Type.Integer({ minimum: 0 }),
});
export type ObservedNode = Static<typeof ObservedNode>;

export const ObservedEdge = Type.Object({
  from: Type.String(),
  to: Type.String(),
  count: Type.Integer({ minimum: 1, description: 'Messages.' }),
});
export type ObservedEdge = Static<typeof ObservedEdge>;

export const ObservedNetwork = Type.Object({
  nodes: Type.Array(ObservedNode, {
    description: 'The ends of the edges of this page, each once, with all they sent.',
  }),
  edges: Type.Array(ObservedEdge, { description: 'Most messages first.' }),
  total: Type.Integer({ minimum: 0, description: 'Edges.' }),
  next_cursor: nextCursor,
});
export type ObservedNetwork = Static<typeof ObservedNetwork>;

/** A place among edges is a number and two addresses. */
export const SUMMARY_CURSOR_BYTES_MAX = 160;

export const ObservedEntry = Type.Object({ ...keyFacts, value: Type.String() });
export type ObservedEntry = Static<typeof ObservedEntry>;
