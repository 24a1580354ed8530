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
      readonly sealed: Sealed | null;
    };
    readonly reply: { readonly address: string; readonly sealed: Sealed | null };
  };
  readonly listAgents: {
    readonly args: { readonly after: string | null; readonly limit: number };
    readonly reply: AgentPage;
  };
};

export const operatorProtocol = protocol<OperatorMessages>('operator', [
  'create',
  'challenge',
  'tryResponse',
  'register',
  'listAgents',
]);
