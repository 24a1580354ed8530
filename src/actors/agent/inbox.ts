// Inbox
//
// What an agent remembers of its durable inbox: which messages are there and in what order, which of them are leased
// and until when, and the contents of the first few. Pure memory: the rows themselves are the store's.
//
// Owns:     order, leases, the running count and bytes, what is cached.
// Does not: read or write rows (taking.ts, delivering.ts), or know the time (callers say `now`).
//
// I1. Every message is either available or leased; `count` and `bytes` are the sums over both.
// I2. Available messages leave in the order of their seqs; one whose lease ran out comes back at its old place.
// I3. A seq is never given twice, not even to an inbox that was emptied in between.
// I4. Cached contents are at most CACHED_BYTES_MAX, and only of available messages.
// I5. A message id names one message: front doors make them, callers cannot.

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
  /** UTF-8 bytes of `content`, counted once, when it was delivered. */
  readonly bytes: number;
}

/** Table `inbox_head`. */
export interface HeadRow {
  readonly nextSeq: number;
  readonly count: number;
  /** UTF-8 bytes of all contents. */
  readonly bytes: number;
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

export class Inbox {
  #nextSeq: number;
  #count: number;
  #bytes: number;
  /** Whether nextSeq, count or bytes changed since the head was last handed over. */
  #headChanged = false;
  /** Available seqs, ascending, from #first on. */
  #seqs: number[];
  #first = 0;
  /** By message id. */
  readonly #leases = new Map<string, Lease>();
  /** No lease ends before this; some may have ended by acknowledgement, so it can be early but never late. */
  #earliestUntil = Number.POSITIVE_INFINITY;
  readonly #cached = new Map<number, InboxRow>();
  #cachedBytes = 0;

  /** `seqs` ascending, all that are in the inbox; `leases` by seq. */
  constructor(head: HeadRow, seqs: number[], leases: ReadonlyMap<number, LeaseRow>) {
    this.#nextSeq = head.nextSeq;
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

  /** When the next lease may run out, or Infinity. */
  get earliestUntil(): number {
    return this.#earliestUntil;
  }

  /** Roughly, in memory. */
  get residentBytes(): number {
    return 512 + this.#seqs.length * 8 + this.#leases.size * 256 + this.#cached.size * 256 + this.#cachedBytes * 2;
  }

  /** Puts a message last and returns its seq. */
  append(row: InboxRow): number {
    const seq = this.#nextSeq++;
    this.#count++;
    this.#bytes += row.bytes;
    this.#headChanged = true;
    // Cached only while all before it are: these will be asked for first.
    if (this.#cached.size === this.available && this.#cachedBytes + row.bytes <= CACHED_BYTES_MAX) {
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
    if (released.length > 0) {
      this.#seqs = released.concat(this.#seqs.slice(this.#first)).sort((a, b) => a - b);
      this.#first = 0;
    }
    return released;
  }

  /** The head to be written, or undefined when the one that was handed over last still holds. */
  headIfChanged(): HeadRow | undefined {
    if (!this.#headChanged) return undefined;
    this.#headChanged = false;
    return { nextSeq: this.#nextSeq, count: this.#count, bytes: this.#bytes };
  }

  #hold(messageId: string, lease: Lease): void {
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
