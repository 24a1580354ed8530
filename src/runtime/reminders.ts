// Reminders
//
// Timers that survive: stored in the commit that sets them, and removed in the commit of the turn that they begin.
//
//     remind ──▶ rows: reminder (by actor and name), reminder_due (by time)
//     rows ──look, every LOOK_EVERY_MS──▶ armed, when due within HORIZON_MS ──due──▶ control envelope ──▶ turn, if its
//                                           ▲ set just now, and due soon                                  row still says so
//
// Owns:     which reminders of this shard are armed.
// Does not: run the turn (turn-runner.ts).
//
// RM1. A reminder begins a turn at its time or later, also when every process dies in between. One whose turn fails comes
//      again.
// RM2. That turn's commit removes it: what the turn did happens once.
// RM3. Same name replaces: only the last time that was set counts.
// RM4. At most ARMED_MAX are in memory, without their actors. Others wait in the store, and come when there is room.

import type { Clock, Timer } from '../clock.js';
import type { Cell } from './cell.js';
import { encodeValue } from './codec.js';
import type { Key } from './context.js';
import type { StoreView } from './store-view.js';
import type { Turn } from './turn.js';

export const HORIZON_MS = 60_000;
export const LOOK_EVERY_MS = 10_000;
export const ARMED_MAX = 10_000;
/** Until the tables hold what former lives wrote, and where more is due than fits: when it is looked again. */
const LOOK_AGAIN_MS = 100;
/** Reminders and timers that wait in one mailbox: more of them wait in the store. */
const WAITING_MAX = 1_024;
/** Rows read at a time. */
const PAGE = 500;

const TABLE = 'reminder';
const DUE_TABLE = 'reminder_due';

/** One that is due: the arguments of its envelope. */
export interface Due {
  readonly name: string;
  readonly at: number;
}

export interface ReminderParts {
  readonly clock: Clock;
  readonly view: StoreView;
  /** The tables hold what former lives of this shard wrote. */
  readonly hasBegun: () => boolean;
  /** The address, by its kind's name, is one of this shard. */
  readonly owns: (kind: string, key: string) => boolean;
  /** Its cell, made if need be; undefined when it is not this shard's, or there is no room. */
  readonly find: (kind: string, key: string) => Cell | undefined;
  /** Puts a control envelope into the actor's mailbox. */
  readonly deliver: (cell: Cell, due: Due) => void;
}

export class Reminders {
  readonly #parts: ReminderParts;
  readonly #armed = new Map<string, Timer>();
  /** In a mailbox. */
  readonly #underWay = new Set<string>();
  #isStopped = false;

  /** Looks for what is due from now on, for as long as its clock runs. */
  constructor(parts: ReminderParts) {
    this.#parts = parts;
    parts.clock.after(0, () => this.#look());
  }

  /** Nothing is looked for any more, and nothing fires. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }

  /** What its turn is, if its time still stands: the message, by name, and its arguments, encoded. */
  take(cell: Cell, due: Due, turn: Turn): { readonly message: string; readonly payload: Uint8Array } | undefined {
    this.#underWay.delete(idOf(cell.kind.protocol.kind, cell.key, due.name));
    const row = rowOf(cell, due.name, turn);
    return row === undefined || row[0] !== due.at ? undefined : { message: row[1], payload: row[2] };
  }

  /** Writes what a turn set or removed, and removes what began it (RM2). Before the turn's commit. */
  write(cell: Cell, due: Due | undefined, turn: Turn): void {
    if (due !== undefined) remove(cell, due.name, turn);
    for (const { name, at, message, payload } of turn.reminders) {
      remove(cell, name, turn);
      if (at === undefined) continue;
      turn.write(nameKey(cell, name), encodeValue([at, cell.messageName(message), payload]));
      turn.write(dueKey(cell, name, at), encodeValue(null));
    }
  }

  /** Removes a time that is no reminder's. */
  clear(cell: Cell, due: Due, turn: Turn): void {
    turn.write(dueKey(cell, due.name, due.at), null);
  }

  /** After the turn's commit was handed over: what it set is armed, if it is due soon. */
  written(cell: Cell, turn: Turn): void {
    const { kind } = cell.kind.protocol;
    for (const { name, at } of turn.reminders) {
      const id = idOf(kind, cell.key, name);
      this.#armed.get(id)?.cancel();
      this.#armed.delete(id);
      if (at !== undefined && at < this.#parts.clock.now() + HORIZON_MS) this.#arm(kind, cell.key, name, at);
    }
  }

  #look(): void {
    if (this.#isStopped) return;
    const { clock, hasBegun } = this.#parts;
    const isMore = !hasBegun() || !this.#armDue(clock.now() + HORIZON_MS);
    clock.after(isMore ? LOOK_AGAIN_MS : LOOK_EVERY_MS, () => this.#look());
  }

  /** False when not all of them fit (RM4). */
  #armDue(until: number): boolean {
    let after: Key | undefined;
    for (;;) {
      const keys = this.#parts.view.rangeKeys({
        under: [DUE_TABLE],
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      for (const [, at, kind, key, name] of keys) {
        if (Number(at) >= until) return true;
        if (this.#armed.size >= ARMED_MAX) return false;
        this.#arm(String(kind), String(key), String(name), Number(at));
      }
      if (keys.length < PAGE) return true;
      after = keys.at(-1)!;
    }
  }

  /** To fire at a time; `due`, if another, is what its row says. */
  #arm(kind: string, key: string, name: string, at: number, due = at): void {
    const { clock, owns, find, deliver } = this.#parts;
    const id = idOf(kind, key, name);
    if (this.#armed.size >= ARMED_MAX || this.#armed.has(id) || this.#underWay.has(id) || !owns(kind, key)) return;
    this.#set(id, Math.max(0, at - clock.now()), () => {
      const cell = find(kind, key);
      // Set aside, it would refuse. The row stays, and is found again when the actor is back.
      if (cell === undefined || cell.status === 'quarantined') return;
      if (cell.mailbox.controlDepth >= WAITING_MAX) {
        this.#arm(kind, key, name, clock.now() + LOOK_AGAIN_MS, due);
        return;
      }
      this.#underWay.add(id);
      deliver(cell, { name, at: due });
    });
  }

  #set(id: string, delayMs: number, fire: () => void): void {
    const timer = this.#parts.clock.after(delayMs, () => {
      this.#armed.delete(id);
      fire();
    });
    this.#armed.set(id, timer);
  }
}

type Row = readonly [at: number, message: string, payload: Uint8Array];

function rowOf(cell: Cell, name: string, turn: Turn): Row | undefined {
  return turn.get(nameKey(cell, name)) as Row | undefined;
}

function remove(cell: Cell, name: string, turn: Turn): void {
  const row = rowOf(cell, name, turn);
  if (row === undefined) return;
  turn.write(nameKey(cell, name), null);
  turn.write(dueKey(cell, name, row[0]), null);
}

function nameKey(cell: Cell, name: string): Key {
  return [TABLE, cell.kind.protocol.kind, cell.key, name];
}

function dueKey(cell: Cell, name: string, at: number): Key {
  return [DUE_TABLE, at, cell.kind.protocol.kind, cell.key, name];
}

function idOf(kind: string, key: string, name: string): string {
  return `${kind}/${key.length}/${key}/${name}`;
}
