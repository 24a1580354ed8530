// Shard
//
// The actors of one worker: finds or activates them, runs their turns, and hands what they did to the journal.
//
//     link ──▶ deliver ──▶ mailbox ──▶ dispatcher ──▶ turn ──▶ commit record ──▶ journal
//                 │                                     │                          │ durable up to n
//                 └─ full, moved, quarantined:          └─ reply, tells ─▶ outbox ◀┘
//                    told at once                                            └──▶ link, or deliver
//
// Owns:     the cells of its slots.
// Does not: own threads or ports (threads/shard-worker.ts), write the store (journal.ts), or know what a kind does.
//
// SH1. One activation of an address at a time (G1): a cell is made only for a slot that this shard owns.
// SH2. One turn at a time per actor (G2).
// SH3. An activation reads the store only when nothing that its cell wrote is still on its way.
// SH4. Every ask that was admitted is answered once, whatever happens to its actor.
// SH5. After a failed commit nothing that any unsettled turn said leaves, and every actor concerned starts from the store.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import { type AnyKind, type Handler, LATER, type Messages, Refusal } from './actor.js';
import type { Cell, PendingWrite } from './cell.js';
import { CellTable } from './cell-table.js';
import { decodeValue, encodeValue } from './codec.js';
import type { Counters, Reservations } from './counters.js';
import { DeadLetters } from './dead-letter.js';
import { Dispatcher } from './dispatcher.js';
import { type Envelope, readBatch } from './envelope.js';
import { answerEntry, findAnswer } from './idempotency.js';
import { Intake } from './intake.js';
import { JournalFeed, type JournalPort } from './journal-feed.js';
import type { Link } from './link.js';
import { encodeAnswer, Outbox } from './outbox.js';
import type { Quarantine } from './quarantine.js';
import { COMMIT_FAILED, Recovery, type TurnFailure } from './recovery.js';
import type { ShardMap } from './shard-map.js';
import type { StoreView } from './store-view.js';
import { type TimerEffect, Turn } from './turn.js';

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
  readonly #dispatcher: Dispatcher;
  readonly #recovery: Recovery;
  readonly deadLetters = new DeadLetters();
  #turn: Turn;
  /** Async turns that are running. */
  #busy = 0;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#cells = new CellTable(options.kinds, options.epochs, options.clock, options.residentBytesMax);
    this.#feed = new JournalFeed(options.journal);
    this.#turn = new Turn(options);
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
        written: (cell, writes) => forgetPending(cell, writes),
        wake: (cell) => this.#recovery.wake(cell),
        undone: (cell) => this.#recovery.commitFailed(cell),
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
    };
  }

  /** Nothing waits to run or is running, and nothing said is still behind a gate. */
  get isIdle(): boolean {
    const { gates } = this.#outbox;
    const works = this.#dispatcher.waiting > 0 || this.#busy > 0 || this.#recovery.isPending;
    return !works && gates.assigned === gates.settled;
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

  /** The journal: a group could not be written, and nothing unsettled of this shard will be (SH5). */
  commitFailed(): void {
    this.#feed.fail();
    this.#outbox.gates.failAll();
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
    try {
      if (cell.status === 'vacant') this.#activate(cell, turn);
      turn.begin(cell, envelope, this.#options.clock.now());
      if (envelope.idempotency !== undefined && this.#answerAgain(cell, envelope, turn)) return true;
      const name = cell.messageName(envelope.message);
      const handler = cell.kind.handlers[name] as Handler<unknown, Messages, string> | undefined;
      invariant(handler !== undefined, () => `${cell.kind.protocol.kind} has no message ${name}`);
      const args = envelope.payload === undefined ? envelope.args : decodeValue(envelope.payload);
      const answer = handler(turn, cell.state, args);
      if (answer instanceof Promise) this.#runAsync(cell, envelope, turn, answer);
      else this.#finish(cell, envelope, turn, answer);
    } catch (error) {
      turn.drop();
      this.#recovery.turnFailed(cell, envelope, error);
    }
    return true;
  }

  /** SH3: the actor runs again when its last record is settled. */
  #waitForCommits(cell: Cell): false {
    cell.status = 'waiting';
    this.#outbox.hold(cell, { kind: 'wake', cell });
    return false;
  }

  #activate(cell: Cell, turn: Turn): void {
    cell.activation++;
    turn.begin(cell, undefined, this.#options.clock.now());
    cell.state = cell.kind.activate(turn);
    cell.status = 'ready';
    turn.clear();
  }

  #runAsync(cell: Cell, envelope: Envelope, turn: Turn, answer: Promise<unknown>): void {
    // Other actors run meanwhile: this turn keeps its context for itself.
    this.#turn = new Turn(this.#options);
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
      (value) => end(() => this.#finish(cell, envelope, turn, value)),
      (error: unknown) =>
        end(() => {
          throw error;
        }),
    );
  }

  /** The same ask was answered before: that answer, or a conflict, and no second turn. */
  #answerAgain(cell: Cell, envelope: Envelope, turn: Turn): boolean {
    const earlier = findAnswer((key) => turn.get(key), envelope.idempotency!, turn.now);
    if (earlier === undefined) return false;
    turn.clear();
    this.#outbox.credit(envelope);
    if (earlier.kind === 'conflict') {
      const reason = 'the idempotency key was used for another request';
      this.#outbox.answer(envelope, { code: 'CONFLICT', params: { reason } });
    } else {
      this.#outbox.hold(cell, { kind: 'reply', to: envelope, fault: false, payload: earlier.payload, replayed: true });
    }
    return true;
  }

  /** The handler returned: its effects become one commit record, and what it said waits behind it. */
  #finish(cell: Cell, envelope: Envelope, turn: Turn, answer: unknown): void {
    const isAsk = envelope.correlation !== 0;
    const isOpen = answer === LATER;
    invariant(!isOpen || !isAsk || turn.keptOpen, 'a handler returned LATER without keeping the ask open');
    const fault = answer instanceof Refusal;
    const payload = isAsk && !isOpen ? encodeAnswer(answer) : undefined;
    if (payload !== undefined && !fault && envelope.idempotency !== undefined) {
      const entry = answerEntry(envelope.idempotency, turn.now, payload);
      turn.write(entry.key, encodeValue(entry.value));
    }
    const replies = turn.replies.map(({ to, answer: later }) => ({
      to,
      fault: later instanceof Refusal,
      payload: encodeAnswer(later),
    }));
    const residentBytes = cell.kind.residentBytes(cell.state);
    // Nothing from here on throws: what is committed is not run again.
    this.#commit(cell, turn);
    if (payload !== undefined) {
      if (envelope.durability === 'volatile' && !fault) this.#outbox.sendNow(envelope, payload);
      else this.#outbox.hold(cell, { kind: 'reply', to: envelope, fault, payload, replayed: false });
    } else if (isOpen && isAsk) {
      cell.open ??= new Set();
      cell.open.add(envelope);
    }
    for (const reply of replies) {
      // An ask that is no longer open was answered before, by this activation or by its end.
      if (!cell.open?.delete(reply.to)) continue;
      this.#outbox.hold(cell, { kind: 'reply', ...reply, replayed: false });
    }
    if (cell.open?.size === 0) cell.open = undefined;
    for (const tell of turn.tells) this.#outbox.hold(cell, { kind: 'tell', tell, sender: cell.slot + 1 });
    for (const timer of turn.timers) this.#applyTimer(cell, timer);
    turn.clear();
    this.#outbox.credit(envelope);
    this.#cells.touch(cell, residentBytes);
  }

  #commit(cell: Cell, turn: Turn): void {
    if (!turn.isDurable) return;
    const epoch = this.#options.epochs.get(cell.slot);
    invariant(epoch !== undefined, 'an actor ran in a slot that this shard does not own');
    this.#feed.append({ slot: cell.slot, epoch }, turn);
    cell.lastRecord = this.#outbox.gates.assign();
    const writes = [...turn.writes.values()];
    if (writes.length > 0) cell.writes ??= new Map();
    for (const write of writes) cell.writes!.set(write.text, write);
    this.#outbox.hold(cell, { kind: 'written', cell, writes });
  }

  #applyTimer(cell: Cell, effect: TimerEffect): void {
    cell.timers?.get(effect.name)?.cancel();
    cell.timers?.delete(effect.name);
    if (effect.kind === 'set') {
      const timer = this.#options.clock.after(effect.delayMs, () => {
        if (cell.timers?.get(effect.name) !== timer) return;
        cell.timers.delete(effect.name);
        if (cell.timers.size === 0) cell.timers = undefined;
        this.#intake.deliverLocal({
          slot: cell.slot,
          kind: cell.kindNumber,
          key: cell.key,
          message: effect.message,
          payload: effect.payload,
          args: effect.payload === undefined ? effect.args : undefined,
          sender: cell.slot + 1,
          control: true,
        });
      });
      cell.timers ??= new Map();
      cell.timers.set(effect.name, timer);
    }
    if (cell.timers?.size === 0) cell.timers = undefined;
  }
}

function forgetPending(cell: Cell, writes: readonly PendingWrite[]): void {
  if (cell.writes === undefined) return;
  for (const write of writes) if (cell.writes.get(write.text) === write) cell.writes.delete(write.text);
  if (cell.writes.size === 0) cell.writes = undefined;
}
