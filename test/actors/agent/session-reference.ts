// Session reference
//
// An inbox with a live session in its plainest form: one list in the order of arrival, and what each open ask must have been
// given. Written from the contract, without caches, timers or rows.

import type { InboxBounds } from '../../../src/actors/agent/delivering.js';
import { UNACKNOWLEDGED_BYTES_MAX } from '../../../src/actors/agent/session.js';
import { WAITERS_MAX } from '../../../src/actors/agent/taking.js';

export interface Kept {
  readonly seq: number;
  readonly id: string;
  readonly bytes: number;
  /** 0 when nobody holds a lease on it. */
  readonly until: number;
  readonly wasPushed: boolean;
}

export interface Pushed {
  readonly seq: number;
  readonly messageId: string;
  readonly redelivered: boolean;
}

/** What the stream of a session must have given, and how it must have ended. */
export interface Given {
  readonly pushed: Pushed[];
  end: 'open' | 'replaced' | 'retired';
}

export interface Session {
  readonly name: string;
  readonly window: number;
  readonly claimed: number;
  pushedTo: number;
  /** Pushed and not acknowledged. */
  readonly unacked: Set<number>;
  readonly given: Given;
}

export interface Waiting {
  readonly name: string;
  readonly limit: number;
  readonly leaseMs: number | null;
  readonly until: number;
  /** Undefined while it waits. */
  answer: readonly string[] | undefined;
}

/** What a crash leaves of the past: all that was committed. */
export interface Durable {
  readonly kept: readonly Kept[];
  readonly nextSeq: number;
  readonly sent: number;
  readonly delivered: number;
  readonly dropped: number;
  /** The highest seq that was pushed. */
  readonly pushed: number;
}

export class Reference {
  kept: readonly Kept[] = [];
  nextSeq = 1;
  sent = 0;
  delivered = 0;
  dropped = 0;
  pushed = 0;
  session: Session | undefined;
  waiting: Waiting[] = [];

  constructor(readonly bounds: InboxBounds) {}

  durable(): Durable {
    const { kept, nextSeq, sent, delivered, dropped, pushed } = this;
    return { kept, nextSeq, sent, delivered, dropped, pushed };
  }

  kill(durable: Durable): void {
    Object.assign(this, durable);
    this.session = undefined;
    this.waiting = [];
  }

  /** Neither leased, nor with the session. */
  available(): Kept[] {
    const { session } = this;
    const isHeld = ({ seq }: Kept) => session !== undefined && (seq <= session.claimed || session.unacked.has(seq));
    return this.kept.filter((message) => message.until === 0 && !isHeld(message));
  }

  deliver(id: string, bytes: number, now: number): boolean {
    this.look(now);
    const isAccepted = this.#append(id, bytes);
    this.settle(now);
    return isAccepted;
  }

  #append(id: string, bytes: number): boolean {
    let left = this.kept;
    const droppable = this.available();
    while (left.length >= this.bounds.messagesMax || sum(left) + bytes > this.bounds.bytesMax) {
      const oldest = this.bounds.overflow === 'refuse' ? undefined : droppable.shift();
      if (oldest === undefined) return false;
      left = left.filter((message) => message !== oldest);
    }
    this.dropped += this.kept.length - left.length;
    this.kept = [...left, { seq: this.nextSeq++, id, bytes, until: 0, wasPushed: false }];
    this.sent++;
    return true;
  }

  /** The ids of an answer at once; 'waits'; or 'refused'. */
  take(waiting: Omit<Waiting, 'answer'>, now: number): readonly string[] | Waiting | 'refused' {
    this.look(now);
    this.settle(now);
    if (this.session === undefined && this.available().length > 0) return this.#takeNow(waiting, now);
    if (waiting.until <= now) return [];
    if (this.waiting.length >= WAITERS_MAX) return 'refused';
    const added = { ...waiting, answer: undefined };
    this.waiting.push(added);
    return added;
  }

  endWait(name: string): void {
    for (const waiter of this.waiting) if (waiter.name === name) waiter.answer = [];
    this.waiting = this.waiting.filter((waiter) => waiter.name !== name);
  }

  /** The ids that are not leased. */
  ack(ids: readonly string[], now: number): string[] {
    this.look(now);
    const unknown = ids.filter((id) => !this.#leave((message) => message.id === id && message.until > 0));
    this.settle(now);
    return unknown;
  }

  attach(name: string, lastSeq: number | null, window: number, now: number): { session: Session; resumed: boolean } {
    this.look(now);
    this.#end('replaced');
    const resumed = lastSeq !== null && lastSeq <= this.pushed;
    const claimed = resumed ? lastSeq : 0;
    const given: Given = { pushed: [], end: 'open' };
    const session = { name, window, claimed, pushedTo: claimed, unacked: new Set<number>(), given };
    this.session = session;
    this.settle(now);
    return { session, resumed };
  }

  detach(name: string, now: number): void {
    if (this.session?.name !== name) return;
    this.#end('replaced');
    this.look(now);
    this.settle(now);
  }

  ackUpTo(name: string, seq: number, now: number): void {
    const { session } = this;
    if (session?.name !== name) return;
    this.look(now);
    const known = Math.min(seq, session.pushedTo);
    while (this.#leave((message) => message.seq <= known));
    for (const pushed of session.unacked) if (pushed <= known) session.unacked.delete(pushed);
    this.settle(now);
  }

  retire(): void {
    this.#end('retired');
  }

  /** Leases that ran out are seen to have. */
  look(now: number): void {
    if (!this.kept.some(({ until }) => until > 0 && until <= now)) return;
    this.kept = this.kept.map((message) => (message.until <= now ? { ...message, until: 0 } : message));
    this.#serve(now);
  }

  /** A millisecond has passed. */
  tick(now: number): void {
    this.look(now);
    for (const { name, until } of this.waiting) if (until <= now) this.endWait(name);
    this.settle(now);
  }

  /** Those who wait get what there is, and the session what its window lets it. */
  settle(now: number): void {
    this.#serve(now);
    const { session } = this;
    if (session === undefined) return;
    for (const message of this.available()) {
      const unacked = this.kept.filter(({ seq }) => session.unacked.has(seq));
      if (unacked.length >= session.window) return;
      if (unacked.length > 0 && sum(unacked) + message.bytes > UNACKNOWLEDGED_BYTES_MAX) return;
      if (this.kept.some(({ seq, until }) => until > 0 && seq < message.seq)) return;
      session.given.pushed.push({ seq: message.seq, messageId: message.id, redelivered: message.wasPushed });
      session.unacked.add(message.seq);
      session.pushedTo = message.seq;
      this.pushed = Math.max(this.pushed, message.seq);
      this.#change(message, { wasPushed: true });
    }
  }

  #serve(now: number): void {
    while (this.session === undefined && this.waiting.length > 0 && this.available().length > 0) {
      const waiter = this.waiting.shift()!;
      waiter.answer = this.#takeNow(waiter, now);
    }
  }

  #takeNow({ limit, leaseMs }: Omit<Waiting, 'answer'>, now: number): string[] {
    const picked = this.available().slice(0, limit);
    for (const message of picked) {
      if (leaseMs === null) this.#leave((other) => other === message);
      else this.#change(message, { until: now + leaseMs });
    }
    return picked.map(({ id }) => id);
  }

  #end(end: 'replaced' | 'retired'): void {
    if (this.session !== undefined) this.session.given.end = end;
    this.session = undefined;
  }

  #change(message: Kept, over: Partial<Kept>): void {
    this.kept = this.kept.map((other) => (other === message ? { ...message, ...over } : other));
  }

  /** The first such message is delivered, once. False when there is none. */
  #leave(which: (message: Kept) => boolean): boolean {
    const found = this.kept.find(which);
    if (found === undefined) return false;
    this.kept = this.kept.filter((message) => message !== found);
    this.delivered++;
    return true;
  }
}

export function sum(messages: readonly Kept[]): number {
  return messages.reduce((bytes, message) => bytes + message.bytes, 0);
}
