// Cell
//
// One resident actor: its mailbox, its state when it is activated, and its writes that are not in the tables yet.
//
//                 envelope            turn ends
//     vacant ───────────────▶ ready ◀──────────▶ busy (an async turn is running)
//       ▲  ▲   (activate)       │  │
//       │  └────────────────────┘  │ handler throws        10 failures in 60 s
//       │   commit failed, blank   ▼
//       └────────────────────── waiting ─────────────────▶ quarantined
//            back-off over and no
//            commit in flight
//
// A cell whose next turn must see what others wrote waits too, until the tables hold it (catch-up.ts); then it is again
// what it was.
//
// Owns:     what one actor holds in memory.
// Does not: decide when it runs (dispatcher.ts), what it may hold (passivation.ts) or what a failure means (supervision.ts).

import type { Timer } from '../clock.js';
import type { AnyKind } from './actor.js';
import { formatAddress } from './address.js';
import type { Saying } from './effects.js';
import type { Envelope } from './envelope.js';
import { Mailbox } from './mailbox.js';
import type { FailureRecord } from './supervision.js';

/** A cell whose next turn waits for the tables (catch-up.ts). */
export interface Parked {
  readonly cell: Cell;
  /** The next envelope, which lies in its place in the mailbox. */
  readonly envelope: Envelope;
  /** Its arguments, decoded. */
  readonly args: unknown;
  /** The activation, and whether it had begun. */
  readonly activation: number;
  readonly wasReady: boolean;
  /** The group that must be in the tables, in 32 bits. */
  readonly group: number;
  /** Of the shard's own records, those up to this one must be in the tables. */
  readonly record: number;
}

export type ReplyGenerator = Generator<unknown, unknown, void> | AsyncGenerator<unknown, unknown, void>;

/** A stream of replies that an actor has begun. */
export interface OpenStream {
  /** The ask that it answers. */
  readonly envelope: Envelope;
  readonly generator: ReplyGenerator;
}

export type CellStatus = 'vacant' | 'ready' | 'busy' | 'waiting' | 'quarantined';

/** What an idle actor is counted with beside its state. */
export const CELL_BYTES = 400;

export class Cell {
  readonly kind: AnyKind;
  readonly kindNumber: number;
  readonly key: string;
  readonly slot: number;
  readonly mailbox: Mailbox;
  status: CellStatus = 'vacant';
  state: unknown = undefined;
  /** In the dispatcher's queue. */
  queued = false;
  /** In its queue of actors with control envelopes. */
  urgent = false;
  /** It has left the table: its actor, if it lives, is another cell, or none. */
  isGone = false;
  /** Since when its mailbox has not been empty: whole milliseconds of the monotonic clock, of its last tick. */
  waitingSince = 0;
  /** It had a turn since the table looked at it last (cell-table.ts). */
  isUsed = false;
  /** The number of the last commit record it wrote. */
  lastRecord = 0;
  /** Rises with every activation: what an older one left behind (timers, reply handles) is recognised by it. */
  activation = 0;
  /** How many of its writes are not in the tables, and the place of the newest of these. The overlay's (overlay.ts). */
  unapplied = 0;
  newestWrite = 0;
  /** While its next turn waits for the tables, and until that turn begins. */
  parked: Parked | undefined;
  timers: Map<string, Timer> | undefined;
  /** Asks kept open by this activation, to be told when it ends. */
  open: Set<Envelope> | undefined;
  /** What it asked and was not answered, and whom it watches, by correlation (inquiries.ts). */
  waits: Map<number, Saying> | undefined;
  watches: Map<number, Saying> | undefined;
  failures: FailureRecord | undefined;
  /** Streams of replies that this activation has begun (streams.ts). */
  streams: Set<OpenStream> | undefined;
  /** Of persistence `state`: what is stored, encoded. */
  saved: Uint8Array | undefined;
  /** Where its row of random numbers is; undefined before the first. */
  random: number | undefined;
  quarantineReason = '';
  // Place in the order of use (passivation.ts).
  newer: Cell | undefined;
  older: Cell | undefined;
  residentBytes = 0;

  constructor(kind: AnyKind, kindNumber: number, key: string, slot: number) {
    this.kind = kind;
    this.kindNumber = kindNumber;
    this.key = key;
    this.slot = slot;
    this.mailbox = new Mailbox(kind.mailbox);
  }

  get address(): string {
    return formatAddress({ kind: this.kind.protocol.kind, key: this.key });
  }

  messageName(message: number): string {
    return this.kind.protocol.messages[message] ?? `#${message}`;
  }

  cancelTimers(): void {
    if (this.timers === undefined) return;
    for (const timer of this.timers.values()) timer.cancel();
    this.timers = undefined;
  }
}
