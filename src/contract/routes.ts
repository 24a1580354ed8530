// Routes
//
// Every call that this server answers, in one list: the router is built from it, and so is the OpenAPI document.
// A call that is not here does not exist; a call that is here has a handler, which the types see to.

import { admin } from './admin-routes.js';
import {
  AckMessages,
  BatchSent,
  MessageSent,
  MessagesAcked,
  MessagesTaken,
  SendBatch,
  SendMessage,
  TakeQuery,
} from './message.js';
import { EventsQuery, ObservedEntry, ObservedEvents, ObservedKeys } from './observe.js';
import {
  AgentRegistered,
  AgentRetired,
  Challenge,
  CreateOperator,
  OperatorCreated,
  RegisterAgent,
  SetWebhook,
  TokenRotated,
} from './operator.js';
import { Agent, AgentPage, PageQuery } from './registry.js';
import type { Route } from './route.js';
import { type TSchema, Type } from './schema.js';
import { Ceiling, CeilingList, Health, Status, WorkerReplaced } from './server.js';
import { Capacity, PutState, StateDeleted, StateKeys, StateQuery, StateValue, StateWritten } from './state.js';

export type { Auth, Method, RateClass, Route } from './route.js';

/** The name of the answer and request schemas in the document's components. */
export const components = {
  Health,
  CreateOperator,
  OperatorCreated,
  Challenge,
  RegisterAgent,
  AgentRegistered,
  AgentRetired,
  SetWebhook,
  Agent,
  AgentPage,
  SendMessage,
  MessageSent,
  SendBatch,
  BatchSent,
  MessagesTaken,
  AckMessages,
  MessagesAcked,
  StateValue,
  PutState,
  StateWritten,
  StateDeleted,
  StateKeys,
  Capacity,
  Status,
  WorkerReplaced,
  Ceiling,
  CeilingList,
  ObservedEvents,
  ObservedKeys,
  ObservedEntry,
} as const satisfies Record<string, TSchema>;

const delivery = ['OVERLOADED', 'ASK_TIMEOUT', 'WORKER_LOST', 'SLOT_MOVING', 'QUARANTINED'] as const;
const read = ['RATE_LIMITED', ...delivery] as const;
const write = [...read, 'COMMIT_FAILED'] as const;

const general = {
  health: {
    method: 'GET',
    path: '/v1/health',
    auth: 'none',
    limit: null,
    summary: 'Whether the server is up, and which version it is.',
    status: 200,
    answer: Health,
    errors: [],
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    limit: null,
    summary: 'This document.',
    status: 200,
    answer: Type.Object({}, { additionalProperties: true }),
    errors: [],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    auth: 'none',
    limit: null,
    summary: 'The numbers of the process, for Prometheus. Who may read them: metrics.access; docs/metrics.md.',
    status: 200,
    answer: Type.String(),
    media: 'text/plain',
    errors: ['UNAUTHORIZED', 'OVERLOADED'],
  },
} as const satisfies Record<string, Route>;

const operators = {
  createOperator: {
    method: 'POST',
    path: '/v1/operators',
    auth: 'none',
    limit: null,
    summary: 'Make an operator. Counted per IP address: limits.operator_registration_per_hour.',
    body: CreateOperator,
    status: 201,
    answer: OperatorCreated,
    errors: ['CONFLICT', ...write],
  },
  challenge: {
    method: 'GET',
    path: '/v1/agents/verification-challenge',
    auth: 'operator',
    limit: null,
    consumes: true,
    summary: 'Ask for a challenge; it works once, for this operator.',
    status: 200,
    answer: Challenge,
    errors: write,
  },
  registerAgent: {
    method: 'POST',
    path: '/v1/agents',
    auth: 'operator',
    limit: null,
    summary: 'Answer the challenge and make an agent.',
    body: RegisterAgent,
    status: 201,
    answer: AgentRegistered,
    errors: ['VERIFICATION_FAILED', 'CONFLICT', ...write],
  },
  listAgents: {
    method: 'GET',
    path: '/v1/agents',
    auth: 'operator',
    limit: null,
    summary: "The operator's own agents.",
    query: PageQuery,
    status: 200,
    answer: AgentPage,
    errors: read,
  },
  retireAgent: {
    method: 'DELETE',
    path: '/v1/agents/{address}',
    auth: 'operator',
    limit: null,
    summary: 'Retire an agent: its token stops at once, its address is never given again.',
    status: 200,
    answer: AgentRetired,
    errors: ['NOT_FOUND', ...write],
  },
  rotateToken: {
    method: 'POST',
    path: '/v1/agents/{address}/rotate-token',
    auth: 'operator',
    limit: null,
    summary: 'Give an agent a new token; the old one stops at once.',
    status: 200,
    answer: TokenRotated,
    errors: ['NOT_FOUND', 'CONFLICT', ...write],
  },
  setWebhook: {
    method: 'PUT',
    path: '/v1/agents/{address}/webhook',
    auth: 'operator',
    limit: null,
    summary: 'Not available on this server yet: always refused.',
    body: SetWebhook,
    status: 200,
    answer: Agent,
    errors: [],
  },
} as const satisfies Record<string, Route>;

const agents = {
  me: {
    method: 'GET',
    path: '/v1/agents/me',
    auth: 'agent',
    limit: 'registry_read',
    summary: 'The agent that this token is of.',
    status: 200,
    answer: Agent,
    errors: read,
  },
  registry: {
    method: 'GET',
    path: '/v1/registry',
    auth: 'agent',
    limit: 'registry_read',
    summary: 'Every agent, oldest first.',
    query: PageQuery,
    status: 200,
    answer: AgentPage,
    errors: read,
  },
  sendMessage: {
    method: 'POST',
    path: '/v1/messages',
    auth: 'agent',
    limit: 'message_send',
    summary: 'Send a message. Accepted only when it is in the durable inbox of the recipient.',
    body: SendMessage,
    status: 202,
    answer: MessageSent,
    errors: ['NOT_FOUND', 'CONFLICT', 'VALUE_TOO_LARGE', 'INBOX_FULL', ...write],
  },
  sendBatch: {
    method: 'POST',
    path: '/v1/messages/batch',
    auth: 'agent',
    limit: 'message_send',
    summary: 'Send up to 100 messages, each with its own result; each counts against the limit.',
    body: SendBatch,
    status: 200,
    answer: BatchSent,
    errors: ['CONFLICT', 'VALUE_TOO_LARGE', ...write],
  },
  takeMessages: {
    method: 'GET',
    path: '/v1/messages',
    auth: 'agent',
    limit: 'message_read',
    consumes: true,
    summary: 'Take messages from the inbox: consumed when returned, or leased until acknowledged.',
    query: TakeQuery,
    status: 200,
    answer: MessagesTaken,
    errors: write,
  },
  ackMessages: {
    method: 'POST',
    path: '/v1/messages/ack',
    auth: 'agent',
    limit: 'message_read',
    summary: 'Leased messages are done with.',
    body: AckMessages,
    status: 200,
    answer: MessagesAcked,
    errors: ['CONFLICT', ...write],
  },
} as const satisfies Record<string, Route>;

const state = {
  capacity: {
    method: 'GET',
    path: '/v1/state/_capacity',
    auth: 'agent',
    limit: 'state_read',
    summary: 'How full the shared state is.',
    status: 200,
    answer: Capacity,
    errors: ['RATE_LIMITED'],
  },
  listState: {
    method: 'GET',
    path: '/v1/state',
    auth: 'agent',
    limit: 'state_read',
    summary: 'Keys that begin with a prefix.',
    query: StateQuery,
    status: 200,
    answer: StateKeys,
    errors: read,
  },
  getState: {
    method: 'GET',
    path: '/v1/state/{key}',
    tail: true,
    auth: 'agent',
    limit: 'state_read',
    summary: 'One value; its version is in the ETag.',
    status: 200,
    answer: StateValue,
    errors: ['NOT_FOUND', ...read],
  },
  putState: {
    method: 'PUT',
    path: '/v1/state/{key}',
    tail: true,
    auth: 'agent',
    limit: 'state_write',
    conditional: 'put',
    summary: 'Write a value, on a condition if one is given.',
    body: PutState,
    status: 200,
    answer: StateWritten,
    errors: ['CONFLICT', 'VALUE_TOO_LARGE', 'STORE_FULL', ...write],
  },
  deleteState: {
    method: 'DELETE',
    path: '/v1/state/{key}',
    tail: true,
    auth: 'agent',
    limit: 'state_write',
    conditional: 'delete',
    summary: 'Delete a key, on a condition if one is given.',
    status: 200,
    answer: StateDeleted,
    errors: ['NOT_FOUND', 'CONFLICT', ...write],
  },
} as const satisfies Record<string, Route>;

const watched = ['UNAUTHORIZED', 'NOT_FOUND', 'RATE_LIMITED', 'OVERLOADED', 'WORKER_LOST'] as const;

/** Who may make these calls, and whether they are there at all, is the config's: observe.access, docs/observation.md. */
const observation = {
  observeEvents: {
    method: 'GET',
    path: '/observe/events',
    auth: 'none',
    limit: null,
    summary: 'The event log: everything that was acknowledged before the call. Who may look: observe.access.',
    query: EventsQuery,
    status: 200,
    answer: ObservedEvents,
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

export const routes = {
  ...general,
  ...operators,
  ...agents,
  ...state,
  ...admin,
  ...observation,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
