// What may be said to an agent: its durable inbox, its leases, its life. Key: the agent's address.

import { protocol, type Streamed } from '../../runtime/actor.js';
import type { Settled } from '../endpoint/protocol.js';
import type { AgentPage, Credential, NewWebhook, Sealed } from '../operator/protocol.js';
import type { Removal, RemovalOrder } from '../removal/protocol.js';

export interface Message {
  readonly messageId: string;
  readonly from: string;
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** An admin removed the content; what stands in its place is `content`. */
  readonly redacted?: true;
}

/** `consume`: what is returned is gone. `lease`: it comes back after `leaseMs` unless acknowledged. */
export type TakeMode = { readonly kind: 'consume' } | { readonly kind: 'lease'; readonly leaseMs: number };

/** A message as a session pushes it. */
export interface PushedMessage extends Message {
  /** Its place in the agent's history: grows by one for each message that the inbox accepts. */
  readonly seq: number;
  /** It may have been pushed before. */
  readonly redelivered: boolean;
}

/** What comes out of an attached session: first `attached`, then pages in the order of their seqs. */
export type SessionItem =
  /** `nextSeq`: the lowest that can come. */
  | { readonly kind: 'attached'; readonly resumed: boolean; readonly nextSeq: number }
  | { readonly kind: 'messages'; readonly messages: readonly PushedMessage[] };

export type AgentMessages = {
  /** Refused with NOT_FOUND (unknown or retired) or INBOX_FULL. */
  readonly deliver: { readonly args: Message; readonly reply: { readonly messageId: string; readonly at: number } };
  /** Waits up to `waitMs` for a first message. `waiter` names the caller, for cancelTake. */
  readonly take: {
    readonly args: {
      readonly limit: number;
      readonly mode: TakeMode;
      readonly waitMs: number;
      readonly waiter: string;
    };
    readonly reply: { readonly messages: readonly Message[]; readonly remaining: number };
  };
  /** The caller of a waiting take is gone: nothing may be consumed on its behalf. */
  readonly cancelTake: { readonly args: { readonly waiter: string }; readonly reply: null };
  /** Leased messages are done. Unknown or no longer leased ids are named in `unknown`. */
  readonly ack: {
    readonly args: { readonly messageIds: readonly string[] };
    readonly reply: { readonly acked: number; readonly unknown: readonly string[] };
  };
  /**
   * A session begins: what comes after `lastSeq` and is not acknowledged is pushed, at most `window` unacknowledged
   * messages at a time, until another session of the agent takes its place (the stream ends), the session is detached (the
   * same), the agent's token is replaced (refused with FORBIDDEN), or the agent is retired (refused with UNAUTHORIZED). `lastSeq` null: from the oldest on.
   */
  readonly attach: {
    readonly args: {
      readonly session: string;
      /** Of the token that the session was opened with. Refused with FORBIDDEN when it is not the agent's any more. */
      readonly lookupId: string;
      readonly lastSeq: number | null;
      readonly window: number;
    };
    readonly reply: Streamed<SessionItem>;
  };
  /** The session is gone: what it was pushed and did not acknowledge is available again. */
  readonly detach: { readonly args: { readonly session: string }; readonly reply: null };
  /** Everything up to `seq` is done, and leaves the inbox. Ignored unless it is the live session that says so. */
  readonly ackUpTo: { readonly args: { readonly session: string; readonly seq: number }; readonly reply: null };
  readonly profile: {
    readonly args: null;
    readonly reply: { readonly address: string; readonly registeredAt: number };
  };
  readonly listRegistry: {
    readonly args: { readonly after: string | null; readonly limit: number };
    readonly reply: AgentPage;
  };
  /** Refused with NOT_FOUND unless it is this operator's. The reply names the token that is no longer good. */
  readonly retire: {
    readonly args: { readonly operatorId: string };
    readonly reply: { readonly revokedLookupId: string };
  };
  readonly rotateToken: {
    readonly args: { readonly operatorId: string; readonly credential: Credential; readonly sealed: Sealed | null };
    readonly reply: { readonly revokedLookupId: string; readonly sealed: Sealed | null };
  };
  /**
   * The content of a message to this agent is removed, from its inbox if it is still there, at `seq` then. Answered with the
   * record; of a message that was removed before, with that of the first time.
   */
  readonly remove: {
    readonly args: {
      readonly messageId: string;
      readonly seq: number | null;
      readonly contentHash: string;
      readonly order: RemovalOrder;
    };
    readonly reply: Removal;
  };
  /**
   * Sets, changes or removes the webhook: as `retire`, refused unless it is this operator's. What is owed goes to the new
   * URL; where there is none any more, it is pulled.
   */
  readonly setWebhook: {
    readonly args: {
      readonly operatorId: string;
      readonly webhook: NewWebhook | null;
      readonly sealed: Sealed | null;
    };
    readonly reply: { readonly sealed: Sealed | null };
  };
  /** The endpoint's: what became of deliveries; and until when it gives up at once, where it does. */
  readonly settle: {
    readonly args: { readonly outcomes: readonly Settled[]; readonly openUntil: number | null };
    readonly reply: null;
  };
  /** To itself, a reminder: something was owed to the webhook some time ago. */
  readonly owedAgain: { readonly args: null; readonly reply: null };
  /** To itself: a wait or a lease ran out, or a retired inbox is being emptied. */
  readonly waitOver: { readonly args: { readonly waiter: string }; readonly reply: null };
  readonly leaseOver: { readonly args: null; readonly reply: null };
  readonly purge: { readonly args: null; readonly reply: null };
};

export const agentProtocol = protocol<AgentMessages>('agent', [
  'deliver',
  'take',
  'cancelTake',
  'ack',
  'attach',
  'detach',
  'ackUpTo',
  'profile',
  'listRegistry',
  'retire',
  'rotateToken',
  'remove',
  'waitOver',
  'leaseOver',
  'purge',
  'setWebhook',
  'settle',
  'owedAgain',
]);
