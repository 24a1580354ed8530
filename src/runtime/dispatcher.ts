// Dispatcher
//
// Shares one thread between actors with work, and between them and the thread's event loop.
//
//     schedule(cell) ──▶ queue ──▶ tick: passes of at most PASS_TURNS turns per actor, for at most TICK_MS
//                          ▲         │ then afterTick (links and the journal are flushed)
//                          └─────────┘ setImmediate: ports and timers had their turn in between
//
// Owns:     who runs next, and when the loop gets its turn (G11).
// Does not: run a handler, or know why an actor may not run (turn-runner.ts).
//
// D1. An actor is in the queue at most once.
// D2. No actor runs more than PASS_TURNS turns while another waits. One with control envelopes goes before all others, for
//     as many turns as it has of these.
// D3. A tick ends at the first look at the time after TICK_MS; there is one every TURNS_PER_LOOK turns, or while turns are
//     short, every TURNS_PER_LOOK_MAX.

import type { Cell } from './cell.js';
import type { Pulse } from './pulse.js';
import { Ring } from './ring.js';

export const PASS_TURNS = 64;
export const TICK_MS = 5;
/** The part of a tick for taking in what has arrived: a flood must not keep actors from running, nor timers. */
export const ADMIT_MS = 2;

/** How many turns run between two looks at the time: a look costs as much as a short turn. */
export const TURNS_PER_LOOK = 4;
export const TURNS_PER_LOOK_MAX = 16;
/** Turns between two looks that take less than this together are short. */
const SHORT_MS = 0.05;

export interface DispatcherPorts {
  /** Takes in what has arrived, until this time (monotonic) or the end of it; true when there is more. */
  readonly admit: (until: number) => boolean;
  /** Runs one turn. False: nothing to run in this actor just now. */
  readonly runTurn: (cell: Cell) => boolean;
  /** True while no new turn may begin anywhere (too much waits for the journal). */
  readonly held: () => boolean;
  readonly afterTick: () => void;
  readonly monotonic: () => number;
  readonly pulse: Pulse;
  /** Calls `run` once, soon, from the thread's loop. Default: setImmediate. */
  readonly plan?: (run: () => void) => void;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #plan: (run: () => void) => void;
  /** Actors with control envelopes. */
  readonly #urgent = new Ring<Cell>();
  #queue: Cell[] = [];
  #head = 0;
  #planned = false;
  #isStopped = false;
  #turns = 0;
  #coarseMs = 0;

  constructor(ports: DispatcherPorts) {
    this.#ports = ports;
    this.#plan = ports.plan ?? setImmediate;
  }

  /** Turns run since the start. */
  get turns(): number {
    return this.#turns;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Actors with something to run. */
  get queue(): readonly Cell[] {
    return this.#queue.slice(this.#head);
  }

  /** The time of the last look, in whole milliseconds: for stamps that may be a tick old. */
  get coarseMs(): number {
    return this.#coarseMs;
  }

  schedule(cell: Cell): void {
    if (cell.queued) return;
    cell.queued = true;
    this.#queue.push(cell);
    this.plan();
  }

  /** For an actor with a control envelope: it may be in the queue already. */
  scheduleUrgent(cell: Cell): void {
    this.schedule(cell);
    if (cell.urgent) return;
    cell.urgent = true;
    this.#urgent.push(cell);
  }

  /** No tick begins after this. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Makes sure that a tick comes, if only to flush what was said outside of one. */
  plan(): void {
    if (this.#planned || this.#isStopped) return;
    this.#planned = true;
    this.#plan(this.#tick);
  }

  readonly #tick = (): void => {
    this.#planned = false;
    if (this.#isStopped) return;
    const { pulse } = this.#ports;
    pulse.beginTick();
    let lookedAt = this.#ports.monotonic();
    this.#coarseMs = Math.trunc(lookedAt);
    const deadline = lookedAt + TICK_MS;
    const isMoreToAdmit = this.#ports.admit(lookedAt + ADMIT_MS);
    let untilLook = TURNS_PER_LOOK;
    let isOver = false;
    while (!isOver && this.#head < this.#queue.length && !this.#ports.held()) {
      const urgent = this.#urgent.shift();
      if (urgent !== undefined) urgent.urgent = false;
      const cell = urgent ?? this.#next();
      const turnsMax = urgent === undefined ? PASS_TURNS : urgent.mailbox.controlDepth;
      let turns = 0;
      let hasMore = true;
      while (hasMore && !isOver && turns < turnsMax) {
        pulse.beginTurn();
        hasMore = this.#ports.runTurn(cell);
        if (!hasMore) break;
        turns++;
        if (--untilLook > 0) continue;
        const now = this.#ports.monotonic();
        untilLook = now - lookedAt < SHORT_MS ? TURNS_PER_LOOK_MAX : TURNS_PER_LOOK;
        lookedAt = now;
        isOver = now >= deadline;
      }
      this.#turns += turns;
      // A pass that was cut short or used up may have more to do; the next pass finds out.
      if (urgent !== undefined && urgent.mailbox.controlDepth > 0 && hasMore) this.scheduleUrgent(urgent);
      else if (hasMore) this.schedule(cell);
    }
    this.#ports.afterTick();
    pulse.endTick();
    if (isMoreToAdmit || (this.#head < this.#queue.length && !this.#ports.held())) this.plan();
  };

  #next(): Cell {
    const cell = this.#queue[this.#head++]!;
    cell.queued = false;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return cell;
  }
}
