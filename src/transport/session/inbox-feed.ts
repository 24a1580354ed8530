// Inbox feed
//
// The end of an agent's inbox that one session holds: what comes out of it goes to the socket, and acknowledgements go back.
//
//   open ──▶ attaching ── attached ──▶ fed ── replaced, retired ──▶ over
//                ▲                      │
//                └──── after a while ───┘ the stream was lost: a worker was replaced, an actor failed
//
// Owns:     the stream of attach, what was sent and acknowledged, the pages that the socket could not take yet.
// Does not: decide what ends a session (session.ts), or how much may be pushed (the agent does: window and bytes).
//
// IF1. Messages leave in the order of their seqs, each once in a session, however often its stream is lost.
// IF2. What waits here for a slow socket is what the agent pushed and was not acknowledged, and so bounded by it.
// IF3. A stream that was lost is begun again behind the last acknowledgement, not behind the last message: so the agent
//      knows all that is unacknowledged, and the window holds across it. What was sent already is left out here (IF1).
// IF4. An acknowledgement is told once per turn of the loop, and again on a new stream. The last one is asked for when a
//      second has passed: a tell is lost where the agent's mailbox is full, and a window that stays full is for ever.

import { agentProtocol, type PushedMessage, type SessionItem } from '../../actors/agent/protocol.js';
import { type Timer, timestamp } from '../../clock.js';
import type { Fault } from '../../errors.js';
import { REDACTED } from '../../redaction.js';
import type { ItemReader } from '../../runtime/ref.js';
import { CONFIRM_AFTER_MS, tellSurely } from '../kernel/tell-surely.js';
import type { FrameSocket } from './frame-socket.js';
import type { SessionContext } from './session-context.js';

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 5_000;

export interface FeedOwner {
  /** Once, when the first message may come: those from `nextSeq` on. */
  attached(resumed: boolean, nextSeq: number): void;
  /** A newer session has taken the place of this one. */
  replaced(): void;
  /** The agent is no more. */
  retired(): void;
  /** The token that opened the session is no longer the agent's. */
  revoked(): void;
  /** flushAck() is wanted at the end of this turn of the loop. */
  ackSoon(): void;
}

export interface FeedParts {
  readonly context: SessionContext;
  readonly out: FrameSocket;
  readonly owner: FeedOwner;
  readonly agent: string;
  readonly session: string;
  /** Names the token that opened the session. */
  readonly lookupId: string;
  /** What the client says that it has. */
  readonly lastSeq: number | null;
  readonly window: number;
}

export class InboxFeed implements ItemReader<SessionItem> {
  readonly #parts: FeedParts;
  /** What the client has of this history; null when it has nothing, or counts in another. */
  #claimed: number | null;
  #sent = 0;
  #acked = 0;
  #isAckPlanned = false;
  #confirming: Timer | undefined;
  #isAttached = false;
  #wasAttached = false;
  #kept: PushedMessage[] | undefined;
  #leave: (() => void) | undefined;
  #retry: Timer | undefined;
  #retryMs = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#claimed = parts.lastSeq;
  }

  open(): void {
    const { context, agent, session, lookupId, window } = this.#parts;
    this.#retry = undefined;
    const lastSeq = this.#acked === 0 ? this.#claimed : Math.max(this.#claimed ?? 0, this.#acked);
    const args = { session, lookupId, lastSeq, window };
    // Where it cannot be asked at all, ended() is called before this returns.
    this.#leave = context.actors.subscribe(agentProtocol, agent, 'attach', args, this);
  }

  item(item: SessionItem): void {
    switch (item.kind) {
      case 'attached':
        this.#attached(item.resumed, item.nextSeq);
        break;
      case 'messages':
        if (this.#kept === undefined) this.#write(item.messages);
        else this.#kept.push(...item.messages);
        break;
      default:
        item satisfies never;
    }
  }

  ended(fault: Fault | undefined): void {
    this.#leave = undefined;
    this.#isAttached = false;
    this.#kept = undefined;
    if (fault === undefined) this.#parts.owner.replaced();
    else if (fault.code === 'UNAUTHORIZED' || fault.code === 'NOT_FOUND') this.#parts.owner.retired();
    else if (fault.code === 'FORBIDDEN') this.#parts.owner.revoked();
    else this.#reopenLater();
  }

  /** False for a seq that was neither sent nor claimed. */
  acknowledge(seq: number): boolean {
    if (seq > this.#sent && seq > (this.#claimed ?? 0)) return false;
    if (seq <= this.#acked) return true;
    this.#acked = seq;
    this.#planAck();
    return true;
  }

  flushAck(): void {
    this.#isAckPlanned = false;
    // Before that, and where it does not get through, the next stream brings it (IF4).
    if (this.#isAttached && this.#acked > 0 && !this.#tellAck())
      this.#parts.context.clock.after(RETRY_MS_MIN, () => this.#planAck());
    if (this.#acked > 0) this.#confirming ??= this.#parts.context.clock.after(CONFIRM_AFTER_MS, this.#confirmAck);
  }

  /** The content of a message was removed: where it waits for the socket, it is not told any more. */
  redact(messageId: string): void {
    this.#kept = this.#kept?.map((message) =>
      message.messageId === messageId ? { ...message, content: REDACTED, redacted: true } : message,
    );
  }

  drained(): void {
    const kept = this.#kept;
    if (kept === undefined || this.#parts.out.isFull) return;
    this.#kept = undefined;
    this.#write(kept);
  }

  /** The session is over: what it did not acknowledge is available again. */
  close(): void {
    const { context, agent, session } = this.#parts;
    this.#retry?.cancel();
    this.#confirming?.cancel();
    this.#confirming = undefined;
    this.#kept = undefined;
    if (this.#isAttached && this.#isAckPlanned) this.#tellAck();
    this.#isAttached = false;
    if (this.#leave === undefined) return;
    tellSurely(context, agent, 'detach', { session });
    this.#leave();
    this.#leave = undefined;
  }

  #reopenLater(): void {
    this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, this.#retryMs * 2));
    // Not all that one worker held at once.
    const delayMs = this.#retryMs * (1 + Math.random());
    this.#retry = this.#parts.context.clock.after(delayMs, () => this.open());
  }

  #attached(resumed: boolean, nextSeq: number): void {
    this.#isAttached = true;
    this.#retryMs = 0;
    if (!this.#wasAttached) {
      this.#wasAttached = true;
      if (!resumed) {
        this.#claimed = null;
        this.#acked = 0;
      }
      this.#parts.owner.attached(resumed, nextSeq);
    }
    if (this.#acked > 0) this.#planAck();
  }

  #write(messages: readonly PushedMessage[]): void {
    const { out } = this.#parts;
    for (let at = 0; at < messages.length; at++) {
      const { seq, messageId, from, content, at: atMs, redelivered, redacted } = messages[at]!;
      if (seq <= this.#sent) continue;
      if (out.isFull) {
        this.#kept = messages.slice(at);
        return;
      }
      const stamp = timestamp(atMs);
      const frame = {
        type: 'message',
        seq,
        message_id: messageId,
        from,
        content,
        timestamp: stamp,
        redelivered,
      } as const;
      out.send(redacted === true ? { ...frame, redacted } : frame);
      this.#sent = seq;
    }
  }

  #planAck(): void {
    if (this.#isAckPlanned) return;
    this.#isAckPlanned = true;
    this.#parts.owner.ackSoon();
  }

  readonly #confirmAck = async (): Promise<void> => {
    const { context, agent, session } = this.#parts;
    this.#confirming = undefined;
    // What is not attached says it again when it is.
    if (!this.#isAttached) return;
    const args = { session, seq: this.#acked };
    const answer = await context.actors.ask(agentProtocol, agent, 'ackUpTo', args, { durability: 'volatile' });
    if (!answer.ok && this.#isAttached) this.#planAck();
  };

  #tellAck(): boolean {
    const { context, agent, session } = this.#parts;
    return context.actors.tell(agentProtocol, agent, 'ackUpTo', { session, seq: this.#acked });
  }
}
