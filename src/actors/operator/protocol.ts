// What may be said to an operator: who owns agents, proves that it may, and registers them. Key: the operator's id.

import { protocol } from '../../runtime/actor.js';

/** An answer that holds a token, encrypted so that only the caller can read it again (transport/gate/seal.ts). */
export type Sealed = Uint8Array;

export interface Credential {
  /** First 16 hex digits of the token: an index, not a secret. */
  readonly lookupId: string;
  /** Argon2id of the whole token, in PHC form. */
  readonly tokenHash: string;
}

export interface Challenge {
  readonly challengeId: string;
  readonly type: 'pipeline' | 'proof_of_work' | 'none';
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface ChallengeResponse {
  readonly challengeId: string;
  readonly response: string;
}

export interface AgentEntry {
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
}

/** A page of agents, oldest first. `next` is the order key of the last one, or null at the end. */
export interface AgentPage {
  readonly agents: readonly AgentEntry[];
  readonly next: string | null;
  readonly total: number;
}

/** The actor, beside the operators, that knows the admin token made on the first start. */
export const ADMIN = 'admin';

/** Counters kept in the commit of each birth and retirement. */
export const OPERATORS = 'operators';
export const AGENTS = 'agents';

/** Table `agent`: written by the operator at an agent's birth, and by the agent from then on. */
export interface AgentRow {
  readonly operatorId: string;
  /** The agent's place in `registry` and `owned`. */
  readonly order: string;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  readonly lookupId: string;
  /** Milliseconds since the epoch; null while the agent lives. */
  readonly retiredAt: number | null;
  /** There is a row of it in `webhook`; absent where there is none. */
  readonly hasWebhook?: true;
}

/** Where an agent's messages are pushed to, and what signs them. */
export interface NewWebhook {
  readonly url: string;
  readonly secret: string;
}

/** Table `admin`. */
export interface AdminRow {
  readonly lookupId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Table `token`, by lookup id: whose token it is, and what the whole of it must hash to. */
export interface TokenRow {
  readonly role: 'operator' | 'agent' | 'admin';
  readonly id: string;
  readonly hash: string;
}

export type OperatorMessages = {
  readonly create: {
    readonly args: { readonly contactHash: string; readonly credential: Credential; readonly sealed: Sealed | null };
    readonly reply: { readonly sealed: Sealed | null };
  };
  readonly challenge: { readonly args: null; readonly reply: Challenge };
  /** Whether a response would pass. A wrong one spends the challenge; a right one does not. */
  readonly tryResponse: { readonly args: ChallengeResponse; readonly reply: null };
  /** Spends the challenge and makes the agent, in one commit. */
  readonly register: {
    readonly args: ChallengeResponse & {
      readonly address: string;
      /** UUIDv7 made at the front door: the place in the registry's order. */
      readonly order: string;
      readonly credential: Credential;
      readonly webhook?: NewWebhook;
      readonly sealed: Sealed | null;
    };
    readonly reply: { readonly address: string; readonly sealed: Sealed | null };
  };
  readonly listAgents: {
    readonly args: { readonly after: string | null; readonly limit: number };
    readonly reply: AgentPage;
  };
  /** To the actor ADMIN alone: whether an admin token was ever made on this data directory, and making it. */
  readonly hasAdmin: { readonly args: null; readonly reply: { readonly exists: boolean } };
  readonly makeAdmin: { readonly args: { readonly credential: Credential }; readonly reply: null };
};

export const operatorProtocol = protocol<OperatorMessages>('operator', [
  'create',
  'challenge',
  'tryResponse',
  'register',
  'listAgents',
  'hasAdmin',
  'makeAdmin',
]);
