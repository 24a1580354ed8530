// Routes
//
// Every call that this server answers, in one list: the router is built from it, and so is the OpenAPI document.
// A call that is not here does not exist; a call that is here has a handler, which the types see to.

import { admin } from './admin-routes.js';
import { agents, general, operators, state } from './kernel-routes.js';
import {
  AckMessages,
  BatchSent,
  MessageSent,
  MessagesAcked,
  MessagesTaken,
  SendBatch,
  SendMessage,
} from './message.js';
import {
  ObservedAgents,
  ObservedAgentWithPeers,
  ObservedEntry,
  ObservedEvents,
  ObservedKeys,
  ObservedNetwork,
} from './observe.js';
import { observation } from './observe-routes.js';
import {
  AgentRegistered,
  AgentRetired,
  Challenge,
  CreateOperator,
  OperatorCreated,
  RegisterAgent,
  SetWebhook,
  WebhookSet,
} from './operator.js';
import { Agent, AgentPage } from './registry.js';
import { ContentRemoved, RemoveContent, Transparency } from './removal.js';
import type { Route } from './route.js';
import type { TSchema } from './schema.js';
import { Ceiling, CeilingList, Health, Status, WorkerReplaced } from './server.js';
import { Capacity, PutState, StateDeleted, StateKeys, StateValue, StateWritten } from './state.js';

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
  WebhookSet,
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
  RemoveContent,
  ContentRemoved,
  Transparency,
  ObservedAgents,
  ObservedAgentWithPeers,
  ObservedNetwork,
} as const satisfies Record<string, TSchema>;

export const routes = {
  ...general,
  ...operators,
  ...agents,
  ...state,
  ...admin,
  ...observation,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
