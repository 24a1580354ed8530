// Inbox
//
// What an agent remembers of its durable inbox: which messages are there and in what order, which of them are leased
// and until when, which a session holds, and the contents of the first few. Pure memory: the rows are the store's.
//
// Owns:     order, leases, what is held or owed, the running count and bytes, what is cached.
// Does not: read or write rows (taking.ts, delivering.ts), or know the time (callers say `now`).
//
// I1. Every message is available, leased, held or owed; `count` and `bytes` are the sums over all four.
// I2. Available messages leave in the order of their seqs; one whose lease ran out, or whose session ended, comes back at
//     its old place.
// I3. A seq is never given twice, not even to an inbox that was emptied in between.
// I4. Cached contents are at most CACHED_BYTES_MAX, and only of available messages.
// I5. A message id names one message: front doors make them, callers cannot.
// I6. What was pushed once is known to have been, also after a crash: the mark is in the head, and so in the commit that
//     the push waits for.
// I7. While a webhook owes (owe), what comes in is owed, and what is available was there before, or was given up.

import { Held } from './held.js';
import { Owed } from './owed.js';

/** Contents kept in memory per agent, in UTF-8 bytes: what a quick reader takes without a read from the store. */
export const CACHED_BYTES_MAX = 128 * 1024;

/** Taken seqs are cut off the front of the list once there are this many, so that the cut is rare. */
const CUT_AT = 1024;

/** Table `inbox`. */
export interface InboxRow {
  readonly messageId: string;
  readonly from: string;
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** UTF-8 bytes of `content` as it was delivered, counted once. */
  readonly bytes: number;
  /** An admin removed the content; what stands in its place is `content`. */
  readonly redacted?: true;
}

/** Table `inbox_head`. */
export interface HeadRow {
  readonly nextSeq: number;
  readonly count: number;
  /** UTF-8 bytes of all contents. */
  readonly bytes: number;
  /** The highest seq that was ever pushed to a session; absent while none was. */
  readonly pushed?: number;
}

/** A message that was acknowledged by its seq. */
export interface Settled {
  readonly seq: number;
  readonly messageId: string;
  readonly wasLeased: boolean;
}

/** Table `lease`. */
export interface LeaseRow {
  readonly messageId: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Of the content, so that an acknowledgement need not read it. */
  readonly bytes: number;
}

export interface Lease {
  readonly seq: number;
  readonly until: number;
  readonly bytes: number;
}

/** Most inboxes are idle, and share these, which nothing is put into. */
const NO_LEASES = new Map<string, Lease>();
const NOTHING_CACHED = new Map<number, InboxRow>();
const NOTHING_HELD = new Held();
const NOTHING_OWED = new Owed();
const NOTHING_GIVEN_UP = new Set<number>();

export class Inbox {
  #nextSeq: number;
  #pushedSeq: number;
  #count: number;
  #bytes: number;
  /** Whether nextSeq, count or bytes changed since the head was last handed over. */
  #headChanged = false;
  /** Available seqs, ascending, from #first on. */
  #seqs: number[];
  #first = 0;
  /** By message id. */
  #leases = NO_LEASES;
  #held = NOTHING_HELD;
  #owed = NOTHING_OWED;
  /** What came in from this seq on is its webhook's, unless it was given up; undefined while nothing is. */
  #owedFrom: number | undefined;
  /** Seqs that the webhook gave up: each has a row. */
  #givenUp = NOTHING_GIVEN_UP;
  /** No lease ends before this; some may have ended by acknowledgement, so it can be early but never late. */
  #earliestUntil = Number.POSITIVE_INFINITY;
  #cached = NOTHING_CACHED;
  #cachedBytes = 0;

  /** `seqs` ascending, all that are in the inbox; `leases` by seq; `givenUp`: what its webhook gave up. */
  constructor(
    head: HeadRow,
    seqs: number[],
    leases: ReadonlyMap<number, LeaseRow>,
    givenUp: Set<number> = NOTHING_GIVEN_UP,
  ) {
    this.#givenUp = givenUp;
    this.#nextSeq = head.nextSeq;
    this.#pushedSeq = head.pushed ?? 0;
    this.#count = head.count;
    this.#bytes = head.bytes;
    this.#seqs = leases.size === 0 ? seqs : seqs.filter((seq) => !leases.has(seq));
    for (const [seq, { messageId, until, bytes }] of leases) this.#hold(messageId, { seq, until, bytes });
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get available(): number {
    return this.#seqs.length - this.#first;
  }

  get leased(): number {
    return this.#leases.size;
  }

  /** Of a live session. */
  get held(): Pick<Held, 'count' | 'pushed' | 'pushedBytes'> {
    return this.#held;
  }

  /** To its webhook. */
  get owed(): Owed {
    return this.#owed;
  }

  get isOwing(): boolean {
    return this.#owedFrom !== undefined;
  }

  /** The seq of the next message that will be delivered. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Everything up to here may have been pushed before. */
  get pushedSeq(): number {
    return this.#pushedSeq;
  }

  /** The lowest seq that is leased, or Infinity. Looks at every lease. */
  get lowestLeased(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { seq } of this.#leases.values()) lowest = Math.min(lowest, seq);
    return lowest;
  }

  /** When the next lease may run out, or Infinity. */
  get earliestUntil(): number {
    return this.#earliestUntil;
  }

  /** Roughly, in memory. */
  get residentBytes(): number {
    const named = this.#leases.size + this.#cached.size + this.#held.count + this.#owed.count + this.#givenUp.size;
    return 512 + this.#seqs.length * 8 + named * 256 + this.#cachedBytes * 2;
  }

  /** Puts a message last and returns its seq. */
  append(row: InboxRow): number {
    const seq = this.#nextSeq++;
    this.#count++;
    this.#bytes += row.bytes;
    this.#headChanged = true;
    if (this.#owedFrom !== undefined) {
      this.#ownOwed().wait(seq);
      return seq;
    }
    // Cached only while all before it are: these will be asked for first.
    if (this.#cached.size === this.available && this.#cachedBytes + row.bytes <= CACHED_BYTES_MAX) {
      if (this.#cached === NOTHING_CACHED) this.#cached = new Map();
      this.#cached.set(seq, row);
      this.#cachedBytes += row.bytes;
    }
    this.#seqs.push(seq);
    return seq;
  }

  /** The seq of the available message with `offset` others before it. */
  peek(offset = 0): number | undefined {
    return this.#seqs[this.#first + offset];
  }

  cached(seq: number): InboxRow | undefined {
    return this.#cached.get(seq);
  }

  /** The row of a message holds something else now, which takes as much of the bounds. */
  replace(seq: number, row: InboxRow): void {
    if (this.#cached.has(seq)) this.#cached.set(seq, row);
  }

  /** Takes the first available message out of the inbox. */
  remove(row: InboxRow): void {
    this.#shift();
    this.#forget(row.bytes);
  }

  /** Hides the first available message until it is acknowledged or `until` has come. */
  lease(row: InboxRow, until: number): void {
    const seq = this.#shift();
    this.#hold(row.messageId, { seq, until, bytes: row.bytes });
  }

  /** A session holds the first available message: it was pushed. */
  push(row: InboxRow): number {
    const seq = this.#shift();
    if (this.#held === NOTHING_HELD) this.#held = new Held();
    this.#held.push(seq, row);
    if (seq > this.#pushedSeq) {
      this.#pushedSeq = seq;
      this.#headChanged = true;
    }
    return seq;
  }

  /** A session holds what is available up to `seq`: its client has it already. */
  claim(seq: number): void {
    for (let next = this.peek(); next !== undefined && next <= seq; next = this.peek()) {
      if (this.#held === NOTHING_HELD) this.#held = new Held();
      this.#held.claim(this.#shift());
    }
  }

  /** What the session held is available again. */
  unhold(): void {
    const held = this.#held.takeUpTo(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    if (held.length > 0) this.#giveBack(held.map(({ seq }) => seq));
  }

  /** A webhook owes what came in from `from` on, and was not given up. */
  owe(from: number): void {
    this.#owedFrom = from;
    const isOwed = (seq: number): boolean => seq >= from && !this.#givenUp.has(seq);
    if (!this.#seqs.some(isOwed)) return;
    const rest = this.#seqs.slice(this.#first);
    for (const seq of rest) if (isOwed(seq)) this.#ownOwed().wait(seq);
    this.#seqs = rest.filter((seq) => !isOwed(seq));
    this.#first = 0;
    this.#forgetCached();
  }

  /** What the webhook was not handed is available again. What it was handed it still has to give back. */
  disown(): void {
    this.#owedFrom = undefined;
    const waiting = this.#owed.takeWaiting();
    if (waiting.length > 0) this.#giveBack([...waiting]);
  }

  /** A message that was owed was taken by the receiver: it leaves. */
  delivered(seq: number, bytes: number): void {
    this.#owed.remove(seq);
    this.#forget(bytes);
  }

  /** A message that was owed is for those who pull. */
  giveUp(seq: number): void {
    this.#owed.remove(seq);
    if (this.#givenUp === NOTHING_GIVEN_UP) this.#givenUp = new Set();
    this.#givenUp.add(seq);
    const last = this.#seqs.at(-1);
    if (last === undefined || last < seq) this.#seqs.push(seq);
    else this.#giveBack([seq]);
  }

  /** The endpoint does not have it any more: it is owed still, or available where nothing is owed. */
  takeBack(seq: number): void {
    this.#owed.remove(seq);
    if (this.#owedFrom === undefined) this.#giveBack([seq]);
    else this.#owed.wait(seq);
  }

  /** A message has left: true when it was given up, and so has a row that says it. */
  forgetGivenUp(seq: number): boolean {
    return this.#givenUp.size > 0 && this.#givenUp.delete(seq);
  }

  /**
   * Takes out what is held up to `seq`, or leased to somebody else, at most `most` messages; `read` gives a row that memory
   * does not have.
   */
  settleUpTo(seq: number, most: number, read: (seq: number) => InboxRow): Settled[] {
    const settled: Settled[] = [];
    for (const held of this.#held.takeUpTo(seq, most)) {
      const { messageId, bytes } = held.row ?? read(held.seq);
      this.#forget(bytes);
      settled.push({ seq: held.seq, messageId, wasLeased: false });
    }
    for (const [messageId, lease] of this.#leases) {
      if (settled.length === most) break;
      if (lease.seq > seq) continue;
      this.acknowledge(messageId);
      settled.push({ seq: lease.seq, messageId, wasLeased: true });
    }
    return settled;
  }

  /** Takes a leased message out of the inbox. Undefined when no such lease is held. */
  acknowledge(messageId: string): Lease | undefined {
    const lease = this.#leases.get(messageId);
    if (lease === undefined) return undefined;
    this.#leases.delete(messageId);
    if (this.#leases.size === 0) this.#earliestUntil = Number.POSITIVE_INFINITY;
    this.#forget(lease.bytes);
    return lease;
  }

  /** Makes messages available again whose lease is over, and returns their seqs. Free until one may be. */
  release(now: number): readonly number[] {
    if (now < this.#earliestUntil) return NONE;
    const released: number[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    for (const [messageId, { seq, until }] of this.#leases) {
      if (until > now) {
        earliest = Math.min(earliest, until);
        continue;
      }
      this.#leases.delete(messageId);
      released.push(seq);
    }
    this.#earliestUntil = earliest;
    if (released.length > 0) this.#giveBack(released);
    return released;
  }

  /** The head to be written, or undefined when the one that was handed over last still holds. */
  headIfChanged(): HeadRow | undefined {
    if (!this.#headChanged) return undefined;
    this.#headChanged = false;
    const head: HeadRow = { nextSeq: this.#nextSeq, count: this.#count, bytes: this.#bytes };
    return this.#pushedSeq === 0 ? head : { ...head, pushed: this.#pushedSeq };
  }

  #giveBack(seqs: number[]): void {
    this.#seqs = seqs.concat(this.#seqs.slice(this.#first)).sort((a, b) => a - b);
    this.#first = 0;
    this.#forgetCached();
  }

  /** What is cached must be what is first (I4). */
  #forgetCached(): void {
    this.#cached.clear();
    this.#cachedBytes = 0;
  }

  #ownOwed(): Owed {
    if (this.#owed === NOTHING_OWED) this.#owed = new Owed();
    return this.#owed;
  }

  #hold(messageId: string, lease: Lease): void {
    if (this.#leases === NO_LEASES) this.#leases = new Map();
    this.#leases.set(messageId, lease);
    this.#earliestUntil = Math.min(this.#earliestUntil, lease.until);
  }

  #forget(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#headChanged = true;
  }

  #shift(): number {
    const seq = this.#seqs[this.#first++]!;
    if (this.#first === this.#seqs.length) {
      this.#seqs = [];
      this.#first = 0;
    } else if (this.#first >= CUT_AT && this.#first * 2 >= this.#seqs.length) {
      this.#seqs = this.#seqs.slice(this.#first);
      this.#first = 0;
    }
    const row = this.#cached.get(seq);
    if (row !== undefined) {
      this.#cached.delete(seq);
      this.#cachedBytes -= row.bytes;
    }
    return seq;
  }
}

const NONE: readonly number[] = [];
