// Queue
//
// The deliveries of one endpoint, from their owner's hand until the owner has written down what became of them.
//
//     offered ──▶ queued ──begin──▶ in flight ──taken──▶ settled ── confirmed ──▶ (gone)
//                   ▲                  │ not taken          ▲
//                   └── resting ◀──────┤                    │
//                                      └── given up, or its owner wants it back
//
// Owns:     order, attempts, when the next one is due.
// Does not: send, store, or know the time (callers say `now`).
//
// Q1. Of a lane one delivery at a time is begun, the lowest id that is not settled.
// Q2. What is settled is never begun again, and stays until it is confirmed.
// Q3. At most so many are in flight as the caller allows; an attempt that nobody hears of for LOST_AFTER_MS is over.
// Q4. An attempt that is late is believed when it says that the delivery was taken, and not otherwise.
// Q5. It holds what owners hand it; how much that is they bound (agent/owed.ts).

import { delayAfter, type Schedule } from './back-off.js';
import type { Delivery, Settled } from './protocol.js';

/** More than an attempt may take together with its wait for a slot. */
export const LOST_AFTER_MS = 60_000;
/** Until a delivery that found no room is offered to the sender again. */
export const POSTPONED_MS = 1_000;

type Phase = 'queued' | 'resting' | 'in flight' | 'settled';

interface Entry {
  delivery: Delivery;
  phase: Phase;
  /** Attempts that count. */
  made: number;
  /** Of the attempt that was begun last. */
  number: number;
  /** Resting: when it may be begun. In flight: when the attempt counts as lost. */
  dueAt: number;
  isRecalled: boolean;
  outcome: Settled['kind'] | undefined;
}

export interface Begun {
  readonly delivery: Delivery;
  readonly number: number;
}

export class DeliveryQueue {
  readonly #schedule: Schedule;
  /** By id, ascending. */
  #entries: Entry[] = [];
  #inFlight = 0;
  #numbers = 0;
  /** Settled, and not told yet, or to be told again. */
  #news: Settled[] = [];

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get count(): number {
    return this.#entries.length;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** What was settled since this was called last, and what the owner asked for again. */
  takeNews(): readonly Settled[] {
    const news = this.#news;
    if (news.length > 0) this.#news = [];
    return news;
  }

  get residentBytes(): number {
    return this.#entries.reduce(
      (sum, { delivery, phase }) => sum + 256 + (phase === 'settled' ? 0 : delivery.bytes),
      0,
    );
  }

  /** False when it is here already: then it is wanted again, as it is now. */
  add(delivery: Delivery): boolean {
    const place = this.#entries.findLastIndex((entry) => entry.delivery.id <= delivery.id);
    const there = this.#entries[place];
    if (there?.delivery.id === delivery.id) {
      there.delivery = delivery;
      there.isRecalled = false;
      this.#tellAgain(there);
      return false;
    }
    const entry: Entry = {
      delivery,
      phase: 'queued',
      made: 0,
      number: 0,
      dueAt: 0,
      isRecalled: false,
      outcome: undefined,
    };
    this.#entries.splice(place + 1, 0, entry);
    return true;
  }

  /** The owner believes that it is here: what is settled is told again, and what is not here is told to be returned. */
  recheck(id: number): void {
    const entry = this.#find(id);
    if (entry === undefined) this.#news.push({ id, kind: 'returned' });
    else this.#tellAgain(entry);
  }

  /** Begins what may be begun now, while fewer than `most` are in flight. */
  begin(now: number, most: number): Begun[] {
    const begun: Begun[] = [];
    if (this.#inFlight >= most) return begun;
    const busy = new Set<string>();
    for (const entry of this.#entries) {
      if (this.#inFlight >= most) break;
      if (entry.phase === 'settled' || busy.has(entry.delivery.lane)) continue;
      busy.add(entry.delivery.lane);
      if (entry.phase === 'in flight' || (entry.phase === 'resting' && entry.dueAt > now)) continue;
      entry.phase = 'in flight';
      entry.number = ++this.#numbers;
      entry.dueAt = now + LOST_AFTER_MS;
      this.#inFlight++;
      begun.push({ delivery: entry.delivery, number: entry.number });
    }
    return begun;
  }

  /** The attempt found no room: it does not count. */
  postponed(id: number, number: number, now: number, random: number): void {
    const entry = this.#inFlightEntry(id, number);
    if (entry === undefined) return;
    if (entry.isRecalled) this.#settle(entry, 'returned');
    else this.#rest(entry, now + POSTPONED_MS * (0.5 + random));
  }

  /** The delivery was taken. False when that is not news (Q4). */
  taken(id: number): boolean {
    const entry = this.#find(id);
    if (entry === undefined || entry.phase === 'settled') return false;
    this.#settle(entry, 'delivered');
    return true;
  }

  /**
   * The attempt failed. `isLast`: no other one is made of it. True when the delivery was given up with it, rather than
   * tried again, or given back to an owner that wants it.
   */
  notTaken(id: number, number: number, now: number, random: number, isLast: boolean): boolean {
    const entry = this.#inFlightEntry(id, number);
    if (entry === undefined) return false;
    entry.made++;
    if (entry.isRecalled) {
      this.#settle(entry, 'returned');
      return false;
    }
    const delayMs = isLast ? undefined : delayAfter(this.#schedule, entry.made, random);
    if (delayMs === undefined) {
      this.#settle(entry, 'failed');
      return true;
    }
    this.#rest(entry, now + delayMs);
    return false;
  }

  /** Attempts that nobody heard of for too long. */
  lost(now: number): Begun[] {
    return this.#entries
      .filter(({ phase, dueAt }) => phase === 'in flight' && dueAt <= now)
      .map(({ delivery, number }) => ({ delivery, number }));
  }

  /** Back to the owner: at once, or, in flight, when the attempt has ended without success. */
  recall(id: number): void {
    const entry = this.#find(id);
    if (entry === undefined || entry.phase === 'settled') this.recheck(id);
    else if (entry.phase === 'in flight') entry.isRecalled = true;
    else this.#settle(entry, 'returned');
  }

  recallAll(): void {
    for (const { delivery } of [...this.#entries]) this.recall(delivery.id);
  }

  /** Gives up what is not in flight. */
  failAll(): void {
    for (const entry of this.#entries)
      if (entry.phase === 'queued' || entry.phase === 'resting') this.#settle(entry, 'failed');
  }

  confirm(ids: readonly number[]): void {
    if (ids.length === 0) return;
    const confirmed = new Set(ids);
    this.#entries = this.#entries.filter(({ delivery, phase }) => phase !== 'settled' || !confirmed.has(delivery.id));
  }

  /** When something is due next, or Infinity. What is due and not begun waits for another to end, not for a time. */
  nextDueAt(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { phase, dueAt } of this.#entries)
      if (phase === 'in flight' || (phase === 'resting' && dueAt > now)) next = Math.min(next, dueAt);
    return next;
  }

  #find(id: number): Entry | undefined {
    return this.#entries.find((entry) => entry.delivery.id === id);
  }

  #inFlightEntry(id: number, number: number): Entry | undefined {
    const entry = this.#find(id);
    return entry?.phase === 'in flight' && entry.number === number ? entry : undefined;
  }

  #rest(entry: Entry, dueAt: number): void {
    this.#inFlight--;
    entry.phase = 'resting';
    entry.dueAt = dueAt;
  }

  #settle(entry: Entry, outcome: Settled['kind']): void {
    if (entry.phase === 'in flight') this.#inFlight--;
    entry.phase = 'settled';
    entry.outcome = outcome;
    this.#tellAgain(entry);
  }

  #tellAgain({ delivery, outcome }: Entry): void {
    if (outcome !== undefined) this.#news.push({ id: delivery.id, kind: outcome });
  }
}
