// Inbox
//
// The messages of this session on their way to the program: received, handed out, done with, acknowledged.
//
// Owns:     where the session stands in the agent's history, what is buffered, what is acknowledged.
// Does not: hold a connection; the server's inbox is the durable one, this is its end.
//
// I1. Each message is handed out once, in the order of the seqs. It comes a second time only when its loop ended over it
//     (`release`), or when this program ended before it was acknowledged.
// I2. `ack` says what is done without a gap: a message that is not done holds back all that are behind it.
// I3. What is buffered is at most what the window lets the server send: what was received and not handed out is forgotten
//     before a new connection says where it stands, and comes again.
// I4. In another history (a server that was restored) the seqs count anew. A message that is still held here is known again
//     by its id, and not handed out a second time.

import type { AgentFrameOf, MessageFrame, WelcomeFrame } from '../contract/session.js';

/** Acknowledgements of a busy reader leave together, at most this often. */
const ACK_INTERVAL_MS = 5;

/** Where a program stands in the history of its agent. */
export interface Position {
  readonly epoch: string;
  /** The last message that it is done with. */
  readonly lastSeq: number;
}

export interface Entry {
  readonly frame: MessageFrame;
  seq: number;
  redelivered: boolean;
  done: boolean;
}

export interface Taker {
  taken(entry: Entry): void;
}

export class Inbox {
  readonly #sendAck: (seq: number) => void;
  #epoch: string | undefined;
  #live = false;
  /** The highest seq that came, that was handed out, that is done without a gap, that was acknowledged. */
  #lastSeq: number | undefined;
  #handedSeq = 0;
  #doneSeq = 0;
  #ackedSeq = 0;
  /** Not done, or done behind one that is not; in the order of the seqs. */
  #open: Entry[] = [];
  /** To be handed out next. */
  #ready: Entry[] = [];
  readonly #takers = new Set<Taker>();
  /** Handed out in a history that is over, by message id. */
  #strays = new Map<string, Entry>();
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #ackSentAt = Number.NEGATIVE_INFINITY;

  /** `from`: everything up to there was done with in an earlier life of this program. */
  constructor(sendAck: (seq: number) => void, from: Position | undefined) {
    this.#sendAck = sendAck;
    if (from === undefined) return;
    this.#epoch = from.epoch;
    this.#lastSeq = from.lastSeq;
    this.#handedSeq = from.lastSeq;
    this.#doneSeq = from.lastSeq;
  }

  /** What is done without a gap; undefined before the first session. */
  get position(): Position | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, lastSeq: this.#doneSeq };
  }

  /** What a new connection says of this inbox (I3). */
  hello(): Pick<AgentFrameOf<'hello'>, 'epoch' | 'last_seq'> {
    if (this.#epoch === undefined || this.#lastSeq === undefined) return {};
    const isHeld = (entry: Entry): boolean => entry.seq <= this.#handedSeq || this.#isStray(entry);
    this.#open = this.#open.filter(isHeld);
    this.#ready = this.#ready.filter(isHeld);
    this.#lastSeq = this.#handedSeq;
    return { epoch: this.#epoch, last_seq: this.#lastSeq };
  }

  up(welcome: WelcomeFrame): void {
    this.#live = true;
    this.#epoch = welcome.epoch;
    if (welcome.resumed) {
      // The last one may have been lost with the connection.
      this.#ackedSeq = 0;
      this.#ackNow();
    } else {
      this.#beginAt(welcome.next_seq);
    }
  }

  down(): void {
    this.#live = false;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
  }

  received(frame: MessageFrame): void {
    if (this.#lastSeq !== undefined && frame.seq <= this.#lastSeq) {
      // A repeat of what is done: the acknowledgement did not arrive.
      if (frame.seq <= this.#doneSeq) {
        this.#ackedSeq = 0;
        this.#ackSoon();
      }
      return;
    }
    this.#lastSeq = frame.seq;
    const stray = this.#strays.get(frame.message_id);
    if (stray === undefined) {
      const entry = { frame, seq: frame.seq, redelivered: frame.redelivered === true, done: false };
      this.#open.push(entry);
      this.#ready.push(entry);
      this.#handOut();
      return;
    }
    this.#strays.delete(frame.message_id);
    stray.seq = frame.seq;
    this.#open.push(stray);
    if (!this.#ready.includes(stray)) this.#handedSeq = frame.seq;
    this.#advance();
  }

  /** The taker gets the next message, now or when there is one. */
  take(taker: Taker): void {
    this.#takers.add(taker);
    this.#handOut();
  }

  leave(taker: Taker): void {
    this.#takers.delete(taker);
  }

  done(entry: Entry): void {
    if (entry.done) return;
    entry.done = true;
    this.#advance();
  }

  /** Not done, and whoever had it has gone: the next taker gets it. */
  release(entries: readonly Entry[]): void {
    const undone = entries.filter((entry) => !entry.done);
    for (const entry of undone) entry.redelivered = true;
    this.#ready = [...undone, ...this.#ready];
    this.#handOut();
  }

  /** What is done leaves before the session ends. */
  close(): void {
    if (this.#live && this.#doneSeq > this.#ackedSeq) this.#ackNow();
    this.down();
    this.#open = [];
    this.#ready = [];
  }

  #isStray(entry: Entry): boolean {
    return this.#strays.get(entry.frame.message_id) === entry;
  }

  #beginAt(nextSeq: number): void {
    for (const entry of this.#open) this.#strays.set(entry.frame.message_id, entry);
    this.#open = [];
    this.#lastSeq = nextSeq - 1;
    this.#handedSeq = nextSeq - 1;
    this.#doneSeq = nextSeq - 1;
    this.#ackedSeq = nextSeq - 1;
  }

  #handOut(): void {
    for (const taker of this.#takers) {
      const entry = this.#ready.shift();
      if (entry === undefined) return;
      this.#takers.delete(taker);
      if (!this.#isStray(entry)) this.#handedSeq = Math.max(this.#handedSeq, entry.seq);
      taker.taken(entry);
    }
  }

  #advance(): void {
    let passed = 0;
    while (this.#open[passed]?.done) this.#doneSeq = this.#open[passed++]!.seq;
    if (passed === 0) return;
    this.#open.splice(0, passed);
    this.#ackSoon();
  }

  /** At once for a reader that has nothing else to do, together with what follows for one that has. */
  #ackSoon(): void {
    if (!this.#live || this.#ackTimer !== undefined) return;
    const restMs = this.#ready.length === 0 ? 0 : this.#ackSentAt + ACK_INTERVAL_MS - performance.now();
    if (restMs <= 0) this.#ackNow();
    else this.#ackTimer = setTimeout(() => this.#ackNow(), restMs);
  }

  #ackNow(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (this.#doneSeq <= this.#ackedSeq) return;
    this.#ackedSeq = this.#doneSeq;
    this.#ackSentAt = performance.now();
    this.#sendAck(this.#doneSeq);
  }
}
