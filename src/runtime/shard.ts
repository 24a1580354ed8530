// Shard
//
// The actors of one worker: finds or activates them, runs their turns, and hands what they did to the journal.
//
//     link ──▶ deliver ──▶ mailbox ──▶ dispatcher ──▶ turn ──▶ commit record ──▶ journal
//                 │                            ▲   │   │                          │ durable up to n
//                 └─ full, moved, quarantined: │   │   └─ reply, tells ─▶ outbox ◀┤  └──▶ link, or deliver
//                    told at once              │   └─ writes ─▶ overlay ◀─────────┘ applied up to n
//                                              └─ what others wrote is in the tables: catch-up
//
// Owns:     the cells of its slots.
// Does not: own threads or ports (threads/shard-worker.ts), write the store (journal.ts), or know what a kind does.
//
// SH1. One activation of an address at a time (G1): a cell is made only for a slot that this shard owns.
// SH2. One turn at a time per actor (G2).
// SH3. An activation begins only when every record of its cell is durable or failed. It sees what they wrote, in the
//      tables or not.
// SH4. Every ask that was admitted is answered once, whatever happens to its actor.
// SH5. After a failed commit nothing that any unsettled turn said leaves, and every actor concerned starts from the store.
// SH6. A blank actor is not kept: its next envelope activates it, and finds what others wrote for it since.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import type { AnyKind, Handler, Messages } from './actor.js';
import { CatchUp } from './catch-up.js';
import type { Cell } from './cell.js';
import { CellTable } from './cell-table.js';
import { decodeValue } from './codec.js';
import { Completion } from './completion.js';
import type { Counters, Reservations } from './counters.js';
import { DeadLetters } from './dead-letter.js';
import { Dispatcher } from './dispatcher.js';
import { type Envelope, readBatch } from './envelope.js';
import { findAnswer, type Remembered } from './idempotency.js';
import { Intake } from './intake.js';
import { JournalFeed, type JournalPort } from './journal-feed.js';
import type { Link } from './link.js';
import { Outbox } from './outbox.js';
import { Overlay } from './overlay.js';
import type { Progress } from './progress.js';
import type { Quarantine } from './quarantine.js';
import { COMMIT_FAILED, Recovery, type TurnFailure } from './recovery.js';
import type { Idempotency } from './ref.js';
import type { ShardMap } from './shard-map.js';
import { encodeKey } from './storage/keys.js';
import type { StoreView } from './store-view.js';
import { Turn, type TurnSources } from './turn.js';

export interface ShardOptions {
  /** In the order of their wire numbers. */
  readonly kinds: readonly AnyKind[];
  readonly map: ShardMap;
  /** The epoch of each slot that this shard owns, by slot. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly view: StoreView;
  readonly counters: Counters;
  readonly reservations: Reservations;
  readonly journal: JournalPort;
  readonly progress: Progress;
  /** The last group of the journal that former owners of the slots may have written, in 32 bits. */
  readonly since: number;
  /** Asks that what is durable now be brought to the tables soon: somebody waits for it. */
  readonly settle: () => void;
  readonly clock: Clock;
  /** Idle actors are passivated when all together hold more than this. */
  readonly residentBytesMax: number;
  /** Encode what stays in the thread too: tests do, so that nothing unserialisable hides. */
  readonly forceEncoding: boolean;
  readonly onFailure: (failure: TurnFailure) => void;
}

export class Shard {
  readonly #options: ShardOptions;
  readonly #cells: CellTable;
  readonly #intake: Intake;
  readonly #outbox: Outbox;
  readonly #feed: JournalFeed;
  readonly #overlay = new Overlay();
  readonly #catchUp: CatchUp;
  readonly #dispatcher: Dispatcher;
  readonly #recovery: Recovery;
  readonly #completion: Completion;
  readonly deadLetters = new DeadLetters();
  readonly #sources: TurnSources;
  #turn: Turn;
  /** Async turns that are running. */
  #busy = 0;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#cells = new CellTable(options.kinds, options.epochs, options.clock, options.residentBytesMax);
    this.#feed = new JournalFeed(options.journal);
    this.#sources = { ...options, overlay: this.#overlay };
    this.#turn = new Turn(this.#sources);
    this.#dispatcher = new Dispatcher({
      runTurn: (cell) => this.#runTurn(cell),
      held: () => this.#feed.isFull,
      afterTick: () => this.flush(),
      monotonic: () => options.clock.monotonic(),
    });
    this.#outbox = new Outbox(
      { kinds: options.kinds, map: options.map, epochs: options.epochs, deadLetters: this.deadLetters },
      {
        deliverHere: (message) => this.#intake.deliverLocal(message),
        wake: (cell) => this.#recovery.wake(cell),
        plan: () => this.#dispatcher.plan(),
        now: () => options.clock.now(),
      },
    );
    const schedule = (cell: Cell): void => this.#dispatcher.schedule(cell);
    this.#intake = new Intake({
      kinds: options.kinds,
      cells: this.#cells,
      outbox: this.#outbox,
      deadLetters: this.deadLetters,
      schedule,
      now: () => options.clock.now(),
    });
    this.#catchUp = new CatchUp({
      progress: options.progress,
      overlay: this.#overlay,
      since: options.since,
      settle: options.settle,
      settled: () => this.#outbox.gates.settled,
      schedule,
    });
    this.#completion = new Completion({
      epochs: options.epochs,
      clock: options.clock,
      cells: this.#cells,
      intake: this.#intake,
      outbox: this.#outbox,
      feed: this.#feed,
      overlay: this.#overlay,
    });
    this.#recovery = new Recovery({
      cells: this.#cells,
      intake: this.#intake,
      outbox: this.#outbox,
      clock: options.clock,
      schedule,
      onFailure: options.onFailure,
    });
  }

  get quarantine(): Quarantine {
    return this.#recovery.quarantine;
  }

  /** Numbers for status and metrics. */
  get stats() {
    const { gates } = this.#outbox;
    return {
      turns: this.#dispatcher.turns,
      residentActors: this.#cells.count,
      residentBytes: this.#cells.bytes,
      deadLetters: this.deadLetters.total,
      quarantined: this.quarantine.size,
      recordsUnsettled: gates.assigned - gates.settled,
      /** Not in the tables yet, durable or not. */
      recordsUnapplied: this.#overlay.records,
    };
  }

  /** Nothing waits to run or is running, and nothing said is still behind a gate. */
  get isIdle(): boolean {
    const { gates } = this.#outbox;
    const works = this.#dispatcher.waiting > 0 || this.#busy > 0;
    const waits = this.#recovery.isPending || this.#catchUp.waiting > 0;
    return !works && !waits && gates.assigned === gates.settled;
  }

  /** The number of the connection, with which its batches are received. */
  connect(peer: number, link: Link): number {
    return this.#outbox.connect(peer, link);
  }

  disconnect(peer: number): void {
    this.#outbox.disconnect(peer);
  }

  /** A batch that came by a connection. Its envelopes are queued; they run in the next tick. */
  receive(connection: number, batch: ArrayBuffer): void {
    readBatch(Buffer.from(batch), connection, {
      delivery: (delivery) => this.#intake.deliver(delivery),
      reply: () => invariant(false, 'a shard asks nobody, so nobody answers it'),
    });
    this.#dispatcher.plan();
  }

  /** The journal: all records up to this number are durable. */
  durable(upTo: number): void {
    this.#feed.settled(upTo);
    this.#outbox.gates.open(upTo);
    // Whoever waited for the disk does not also wait for the turns that came in meanwhile.
    this.#outbox.flush();
    this.#dispatcher.plan();
  }

  /**
   * The journal: all records up to this number are in the tables, and readers see them there. Also said when it is others'
   * records that have come to the tables.
   */
  applied(upTo: number, group: number): void {
    this.#overlay.applied(upTo);
    this.#catchUp.resume(group);
    // Cells may be let go now.
    this.#dispatcher.plan();
  }

  /** The journal: a group could not be written, and nothing unsettled of this shard will be (SH5). */
  commitFailed(): void {
    const { gates } = this.#outbox;
    this.#feed.fail();
    for (const cell of this.#overlay.failed(gates.settled)) this.#recovery.commitFailed(cell);
    gates.failAll();
    this.#dispatcher.plan();
  }

  flush(): void {
    this.#feed.flush();
    this.#outbox.flush();
    this.#cells.trim(this.#outbox.gates.settled);
  }

  /** Puts a quarantined actor back to work. False when there is none of this address. */
  resume(address: string): boolean {
    return this.#recovery.resume(address);
  }

  /** Runs one turn; false when the actor has nothing to run or may not run now. */
  #runTurn(cell: Cell): boolean {
    if (cell.status !== 'ready' && cell.status !== 'vacant') return false;
    if (cell.status === 'vacant' && cell.lastRecord > this.#outbox.gates.settled) return this.#waitForCommits(cell);
    const envelope = cell.mailbox.take();
    if (envelope === undefined) return false;
    const turn = this.#turn;
    const now = this.#options.clock.now();
    try {
      const name = cell.messageName(envelope.message);
      const parked = this.#catchUp.takeParked(cell, envelope);
      const args = parked === undefined ? argsOf(envelope) : parked.args;
      if (parked === undefined && this.#isBehind(cell, name, args)) return this.#park(cell, envelope, args);
      if (envelope.idempotency !== undefined) {
        turn.begin(cell, envelope, now);
        const earlier = this.#findAnswer(cell, envelope.idempotency, turn, parked === undefined);
        turn.clear();
        if (earlier === 'behind') return this.#park(cell, envelope, args);
        if (earlier !== undefined) return this.#answerAgain(cell, envelope, earlier);
      }
      if (cell.status === 'vacant') this.#activate(cell, turn, now);
      turn.begin(cell, envelope, now);
      const handler = cell.kind.handlers[name] as Handler<unknown, Messages, string> | undefined;
      invariant(handler !== undefined, () => `${cell.kind.protocol.kind} has no message ${name}`);
      const answer = handler(turn, cell.state, args);
      if (answer instanceof Promise) this.#runAsync(cell, envelope, turn, answer);
      else this.#completion.complete(cell, envelope, turn, answer);
    } catch (error) {
      turn.drop();
      this.#recovery.turnFailed(cell, envelope, error);
    }
    return true;
  }

  /** Something that the turn reads of others' making may be missing in the tables. */
  #isBehind(cell: Cell, name: string, args: unknown): boolean {
    const { kind, key } = cell;
    if (cell.status === 'vacant') {
      if (!this.#catchUp.hasBegun()) return true;
      if (kind.activationReads !== undefined && this.#catchUp.isBehind(cell, kind.activationReads(key))) return true;
    }
    const reads = kind.reads?.[name];
    return reads !== undefined && this.#catchUp.isBehind(cell, reads(key, args));
  }

  /** The envelope goes back to its place, and is the next one when the tables have caught up. */
  #park(cell: Cell, envelope: Envelope, args: unknown): false {
    cell.mailbox.putBack(envelope);
    this.#catchUp.park(cell, envelope, args);
    return false;
  }

  /** SH3: the actor runs again when its last record is settled. */
  #waitForCommits(cell: Cell): false {
    cell.status = 'waiting';
    this.#outbox.hold(cell, { kind: 'wake', cell });
    return false;
  }

  #activate(cell: Cell, turn: Turn, now: number): void {
    cell.activation++;
    turn.begin(cell, undefined, now);
    cell.state = cell.kind.activate(turn);
    cell.status = 'ready';
    turn.clear();
  }

  #runAsync(cell: Cell, envelope: Envelope, turn: Turn, answer: Promise<unknown>): void {
    // Other actors run meanwhile: this turn keeps its context for itself.
    this.#turn = new Turn(this.#sources);
    cell.status = 'busy';
    this.#busy++;
    const { activation } = cell;
    const end = (effect: () => void): void => {
      this.#busy--;
      if (cell.activation === activation) {
        cell.status = 'ready';
        try {
          effect();
        } catch (error) {
          turn.drop();
          this.#recovery.turnFailed(cell, envelope, error);
        }
      } else {
        // A commit of this actor failed meanwhile: the turn was built on what never happened.
        cell.status = 'vacant';
        turn.drop();
        this.#outbox.answer(envelope, COMMIT_FAILED);
        this.#outbox.credit(envelope);
      }
      this.#dispatcher.schedule(cell);
    };
    answer.then(
      (value) => end(() => this.#completion.complete(cell, envelope, turn, value)),
      (error: unknown) =>
        end(() => {
          throw error;
        }),
    );
  }

  /** The answer to an earlier ask of this key, by whichever actor; 'behind' when one may be on its way to the tables. */
  #findAnswer(cell: Cell, idempotency: Idempotency, turn: Turn, mayWait: boolean): Remembered | 'behind' | undefined {
    let behind = false;
    const earlier = findAnswer(
      (key) => {
        const bytes = encodeKey(key);
        behind ||= mayWait && this.#catchUp.isKeyBehind(cell, bytes);
        return turn.getEncoded(bytes);
      },
      idempotency,
      turn.now,
    );
    return behind ? 'behind' : earlier;
  }

  /** The same ask was answered before: that answer, or a conflict, and no second turn. */
  #answerAgain(cell: Cell, envelope: Envelope, earlier: Remembered): true {
    this.#outbox.credit(envelope);
    if (earlier.kind === 'conflict') {
      const reason = 'the idempotency key was used for another request';
      this.#outbox.answer(envelope, { code: 'CONFLICT', params: { reason } });
    } else {
      this.#outbox.hold(cell, { kind: 'reply', to: envelope, fault: false, payload: earlier.payload, replayed: true });
    }
    return true;
  }
}

function argsOf({ payload, args }: Envelope): unknown {
  return payload === undefined ? args : decodeValue(payload);
}
