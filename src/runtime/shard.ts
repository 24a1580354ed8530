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
import type { Meter } from '../metrics.js';
import { Account } from './account.js';
import type { AnyKind } from './actor.js';
import { Arrivals } from './arrivals.js';
import { Asks } from './asks.js';
import { CatchUp } from './catch-up.js';
import type { Cell } from './cell.js';
import { CellTable, FOLD_PAUSE_MS } from './cell-table.js';
import { encodeValue } from './codec.js';
import { Completion } from './completion.js';
import type { Counters, Reservations } from './counters.js';
import { DeadLetters } from './dead-letter.js';
import { Dispatcher } from './dispatcher.js';
import { type Credit, type Delivery, LOCAL, REMINDER, type Reply } from './envelope.js';
import { readBatch } from './envelope-reader.js';
import type { ShardExplanation } from './explanation.js';
import { Inquiries } from './inquiries.js';
import { Intake } from './intake.js';
import { JournalFeed, type JournalPort } from './journal-feed.js';
import type { Link } from './link.js';
import { Outbox } from './outbox.js';
import { Overlay } from './overlay.js';
import type { Progress } from './progress.js';
import { slotFor } from './protocol.js';
import type { Pulse } from './pulse.js';
import type { Quarantine } from './quarantine.js';
import { Recovery, type TurnFailure } from './recovery.js';
import { Reminders } from './reminders.js';
import { Routes } from './routes.js';
import type { ShardMap } from './shard-map.js';
import type { StoreView } from './store-view.js';
import { Streams } from './streams.js';
import { TurnRunner } from './turn-runner.js';
import { waitingMailboxes } from './waiting-mailboxes.js';

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
  /** What the watchdog sees of it. */
  readonly pulse: Pulse;
  /** Idle actors are passivated when all together hold more than this. */
  readonly residentBytesMax: number;
  /** Encode what stays in the thread too: tests do, so that nothing unserialisable hides. */
  readonly forceEncoding: boolean;
  /** What is written is kept: there is a journal. */
  readonly isDurable: boolean;
  /** It keeps account of what its actors cost. */
  readonly isExplained: boolean;
  /** Where it counts what it does; undefined where nobody reads it. */
  readonly meter?: Meter;
  /** Of context.random(). */
  readonly seed: number;
  /** Plans a turn of the loop, in place of setImmediate: a test says which of its shards is next. */
  readonly plan?: (run: () => void) => void;
  readonly onFailure: (failure: TurnFailure) => void;
  readonly onLog: (line: LogLine) => void;
}

/** What an actor says to the log. */
export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly address: string;
  readonly message: string;
  readonly details: object | undefined;
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
  readonly #runner: TurnRunner;
  readonly #account: Account | undefined;
  readonly #asks: Asks;
  readonly #streams: Streams;
  readonly #inquiries: Inquiries;
  readonly #reminders: Reminders | undefined;
  readonly deadLetters: DeadLetters;
  readonly #arrivals: Arrivals;
  #isFolding = false;

  constructor(options: ShardOptions) {
    const { kinds, map, epochs, clock, view } = options;
    this.#options = options;
    this.deadLetters = new DeadLetters(options.meter);
    this.#arrivals = new Arrivals(clock, (connection, batch, stamp) => this.#takeIn(connection, batch, stamp));
    const routes = new Routes(kinds.map(({ protocol }) => protocol));
    const now = () => clock.now();
    const schedule = (cell: Cell): void => this.#dispatcher.schedule(cell);
    this.#cells = new CellTable(kinds, epochs, clock, options.residentBytesMax);
    this.#feed = new JournalFeed(options.journal);
    this.#asks = new Asks(clock);
    this.#dispatcher = new Dispatcher({
      admit: (until) => this.#arrivals.admit(until),
      runTurn: (cell) => this.#runner.next(cell),
      held: () => this.#feed.isFull,
      afterTick: () => this.flush(),
      monotonic: () => clock.monotonic(),
      pulse: options.pulse,
      ...(options.plan !== undefined && { plan: options.plan }),
    });
    this.#outbox = new Outbox(
      { routes, asks: this.#asks, map, epochs, deadLetters: this.deadLetters, clock },
      {
        deliverHere: (saying) => this.#intake.deliverLocal(saying),
        deliverTell: (tell) => this.#intake.deliverTell(tell),
        wake: (cell) => this.#recovery.wake(cell),
        plan: () => this.#dispatcher.plan(),
        now,
      },
    );
    const [cells, outbox, overlay, asks] = [this.#cells, this.#outbox, this.#overlay, this.#asks];
    const account = options.isExplained ? new Account(clock, routes) : undefined;
    this.#account = account;
    const coarseMs = () => this.#dispatcher.coarseMs;
    this.#intake = new Intake({
      kinds,
      cells,
      outbox,
      deadLetters: this.deadLetters,
      schedule,
      scheduleUrgent: (cell) => this.#dispatcher.scheduleUrgent(cell),
      clock,
      account,
      coarseMs,
      suspect: (cell, chain) => this.#inquiries.suspect(cell, chain),
      probed: (cell, chain) => this.#inquiries.probed(cell, chain),
      watched: (cell, envelope) => this.#streams.watch(cell, envelope),
    });
    const intake = this.#intake;
    this.#streams = new Streams((cell, message, stream) => intake.deliverStep(cell, message, stream));
    this.#catchUp = new CatchUp({
      progress: options.progress,
      overlay,
      since: options.since,
      settle: options.settle,
      settled: () => outbox.gates.settled,
      schedule,
    });
    if (options.isDurable) {
      this.#reminders = new Reminders({
        clock,
        view,
        hasBegun: () => this.#catchUp.hasBegun(),
        owns: (kind, key) => this.#slotOf(kind, key) !== undefined,
        find: (kind, key) => this.#find(kind, key),
        deliver: (cell, due) => intake.deliverControl(cell, REMINDER, undefined, due),
      });
    }
    this.#inquiries = new Inquiries({
      asks,
      outbox,
      routes,
      map,
      epochs,
      tellSelf: (cell, message, args) => intake.deliverControl(cell, message, encodeValue(args), undefined),
      cancelHere: (correlation) => this.#streams.allow(LOCAL, correlation, 0),
      plan: () => this.#dispatcher.plan(),
    });
    const inquiries = this.#inquiries;
    const { onFailure } = options;
    const [streams, reminders] = [this.#streams, this.#reminders];
    this.#recovery = new Recovery({ cells, intake, outbox, streams, inquiries, clock, schedule, onFailure });
    const recovery = this.#recovery;
    const feed = this.#feed;
    const completion = new Completion({
      epochs,
      clock,
      cells,
      intake,
      outbox,
      feed,
      overlay,
      recovery,
      streams,
      reminders,
      inquiries,
      forceEncoding: options.forceEncoding,
    });
    this.#runner = new TurnRunner({
      sources: {
        ...options,
        cells,
        overlay,
        routes,
        ask: (cell, saying, request, resolve) => inquiries.ask(cell, saying, request, resolve),
        log: (level, cell, message, details) => options.onLog({ level, address: cell.address, message, details }),
      },
      kinds,
      catchUp: this.#catchUp,
      outbox,
      completion,
      recovery,
      streams,
      reminders,
      schedule,
      account,
      meter: options.meter,
      clock,
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
      mailboxes: waitingMailboxes(this.#waiting()),
    };
  }

  /** Nothing waits to run or is running, and nothing said is still behind a gate. */
  get isIdle(): boolean {
    const { gates } = this.#outbox;
    const works = !this.#arrivals.isEmpty || this.#dispatcher.waiting > 0 || this.#runner.busy > 0;
    const waits = this.#recovery.isPending || this.#catchUp.waiting > 0;
    return !works && !waits && gates.assigned === gates.settled;
  }

  /** The number of the connection, with which its batches are received. */
  connect(peer: number, link: Link): number {
    return this.#outbox.connect(peer, link);
  }

  disconnect(peer: number): void {
    const connection = this.#outbox.disconnect(peer);
    if (connection !== undefined) this.#streams.lose(connection);
    this.#asks.lose(peer - 1);
  }

  /** A batch that came by a connection. It is taken in by one of the next ticks, and its envelopes run then. */
  receive(connection: number, batch: ArrayBuffer): void {
    this.#arrivals.push(connection, batch);
    this.#dispatcher.plan();
  }

  #takeIn(connection: number, batch: ArrayBuffer, stamp: number): void {
    if (!this.#outbox.isConnected(connection)) return;
    const visitor = {
      delivery: (delivery: Delivery, mark?: Uint8Array) => this.#intake.deliver(delivery, mark),
      reply: (reply: Reply) => this.#asks.settle(reply),
      credit: ({ correlation, items }: Credit) => this.#streams.allow(connection, correlation, items),
    };
    readBatch(Buffer.from(batch), connection, visitor, stamp);
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
    if (this.#cells.fold(this.#outbox.gates.settled) && !this.#isFolding) {
      this.#isFolding = true;
      this.#options.clock.after(FOLD_PAUSE_MS, () => {
        this.#isFolding = false;
        this.#dispatcher.plan();
      });
    }
  }

  /** Sends what was said, and does nothing after that: what it reads from is closed next. */
  close(): void {
    this.flush();
    this.#dispatcher.stop();
    this.#reminders?.stop();
  }

  /** Puts a quarantined actor back to work. False when there is none of this address. */
  resume(address: string, skip = false): boolean {
    return this.#recovery.resume(address, skip);
  }

  /** Where its time and memory go; at most `top` actors by each measure. */
  explain(
    top: number,
  ): Omit<ShardExplanation, 'thread'> & { readonly thread: Omit<ShardExplanation['thread'], 'loopDelayMs'> } {
    const waiting = this.#waiting();
    const find = (address: string): Cell | undefined => {
      const end = address.indexOf('/');
      const number = this.#numberOf(address.slice(0, end));
      return number < 0 ? undefined : this.#cells.resident(number, address.slice(end + 1));
    };
    const actors = this.#account?.explain(top, waiting, find) ?? [];
    return {
      actors,
      thread: { turns: this.#dispatcher.turns, waitingActors: waiting.length, links: this.#outbox.links() },
    };
  }

  #waiting(): Cell[] {
    return [...this.#cells.waiting(), ...this.#dispatcher.queue];
  }

  /** Says again what a dead letter holds. False when it is not kept. */
  replay(letter: string): boolean {
    const saying = this.deadLetters.find(letter);
    if (saying === undefined) return false;
    this.#outbox.sayNow(saying);
    return true;
  }

  /** -1 when there is no such kind. */
  #numberOf(kind: string): number {
    return this.#options.kinds.findIndex(({ protocol }) => protocol.kind === kind);
  }

  /** Undefined when it is not this shard's, or there is no such kind. */
  #slotOf(kind: string, key: string): number | undefined {
    const known = this.#options.kinds[this.#numberOf(kind)];
    if (known === undefined) return undefined;
    const slot = slotFor(known.protocol, key);
    return this.#cells.owns(slot) ? slot : undefined;
  }

  #find(kind: string, key: string): Cell | undefined {
    const slot = this.#slotOf(kind, key);
    return slot === undefined ? undefined : this.#cells.find(this.#numberOf(kind), key, slot);
  }
}
