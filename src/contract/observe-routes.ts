// Observation routes
//
// The calls of those who only look. Who may make them, and whether they are there at all, is the config's:
// observe.access, docs/observation.md.

import {
  EventsQuery,
  ObservedAgents,
  ObservedAgentWithPeers,
  ObservedEntry,
  ObservedEvents,
  ObservedKeys,
  ObservedNetwork,
  SSE_PATH,
  StreamQuery,
} from './observe.js';
import { PageQuery } from './registry.js';
import { Transparency, TransparencyQuery } from './removal.js';
import type { Route } from './route.js';
import { Type } from './schema.js';
import { Health } from './server.js';
import { StateQuery } from './state.js';

const watched = ['UNAUTHORIZED', 'NOT_FOUND', 'RATE_LIMITED', 'OVERLOADED', 'WORKER_LOST'] as const;

export const observation = {
  observeEvents: {
    method: 'GET',
    path: '/observe/events',
    auth: 'none',
    limit: null,
    summary:
      'The event log: everything that was acknowledged before the call, but for what is archived. Who may look: observe.access.',
    query: EventsQuery,
    status: 200,
    answer: ObservedEvents,
    errors: [...watched, 'EVENTS_ARCHIVED'],
  },
  observeEventsSse: {
    method: 'GET',
    path: SSE_PATH,
    auth: 'none',
    limit: null,
    summary:
      'The event log as server-sent events, without an end: one ObservedEvent each, with its seq as id, so that Last-Event-ID resumes. Who may look: observe.access.',
    query: StreamQuery,
    status: 200,
    answer: Type.String(),
    media: 'text/event-stream',
    errors: watched,
  },
  observeKeys: {
    method: 'GET',
    path: '/observe/state',
    auth: 'none',
    limit: null,
    summary: 'Keys of the shared state that begin with a prefix, without their values. Who may look: observe.access.',
    query: StateQuery,
    status: 200,
    answer: ObservedKeys,
    errors: watched,
  },
  observeEntry: {
    method: 'GET',
    path: '/observe/state/{key}',
    tail: true,
    auth: 'none',
    limit: null,
    summary: 'One entry of the shared state. Who may look: observe.access.',
    status: 200,
    answer: ObservedEntry,
    errors: watched,
  },
  observeTransparency: {
    method: 'GET',
    path: '/observe/transparency',
    auth: 'none',
    limit: null,
    summary: 'What an admin removed, when and why. Who may look: observe.access.',
    query: TransparencyQuery,
    status: 200,
    answer: Transparency,
    errors: watched,
  },
  observeAgents: {
    method: 'GET',
    path: '/observe/agents',
    auth: 'none',
    limit: null,
    summary:
      'Every agent with what it has done, up to all that was acknowledged before the call. Who may look: observe.access.',
    query: PageQuery,
    status: 200,
    answer: ObservedAgents,
    errors: watched,
  },
  observeAgent: {
    method: 'GET',
    path: '/observe/agents/{address}',
    auth: 'none',
    limit: null,
    summary: 'One agent, and a page of its peers. Who may look: observe.access.',
    query: PageQuery,
    status: 200,
    answer: ObservedAgentWithPeers,
    errors: watched,
  },
  observeNetwork: {
    method: 'GET',
    path: '/observe/network',
    auth: 'none',
    limit: null,
    summary: 'Who has sent messages to whom: a page of the edges by their weight. Who may look: observe.access.',
    query: PageQuery,
    status: 200,
    answer: ObservedNetwork,
    errors: watched,
  },
  observeHealth: {
    method: 'GET',
    path: '/observe/health',
    auth: 'none',
    limit: null,
    summary: 'Whether the server is up, for whoever may observe: observe.access.',
    status: 200,
    answer: Health,
    errors: watched,
  },
} as const satisfies Record<string, Route>;
