// Delivery slots
//
// Which attempts are under way, of all that want to be: a bounded number, of which those that may take long have a part.
//
//     add ──▶ line of its standing (proven, unproven, suspect) ──next──▶ slot ── done ──▶ (gone)
//              │ too many, too large, too long
//              └──▶ refused: it is tried again later
//
// Owns:     the lines, the slots, how long slots were busy.
// Does not: send, or know the time (callers say `now`, of the monotonic clock).
//
// DS1. At most `max` are in slots. A suspect one gets a slot while suspects have less than half of them, an unproven one
//      while its like have less than a quarter, and either while both have less than seven eighths: the rest is always
//      there for endpoints that are known to answer.
// DS2. What has been in a slot for SLOW_AFTER_MS counts as suspect, whatever it was when it got it.
// DS3. Within a standing first come, first served; between them whoever came first and may.
// DS4. A line holds at most LINE_MAX attempts and LINE_BYTES_MAX; what waited for WAIT_MS_MAX is refused.

import type { Standing } from '../../actors/endpoint/protocol.js';

export const SLOW_AFTER_MS = 500;
export const LINE_MAX = 10_000;
export const LINE_BYTES_MAX = 64 * 1024 * 1024;
export const WAIT_MS_MAX = 20_000;
const SUSPECT_SHARE = 0.5;
const UNPROVEN_SHARE = 0.25;
const BOTH_SHARE = 0.875;
const STANDINGS: readonly Standing[] = ['proven', 'unproven', 'suspect'];
/** Taken entries are cut off the front of a line once there are so many. */
const CUT_AT = 1_024;

interface Waiting<T> {
  readonly job: T;
  readonly bytes: number;
  readonly since: number;
  /** Of all: who came first. */
  readonly order: number;
}

class Line<T> {
  #waiting: Waiting<T>[] = [];
  #first = 0;
  bytes = 0;

  get count(): number {
    return this.#waiting.length - this.#first;
  }

  get head(): Waiting<T> | undefined {
    return this.#waiting[this.#first];
  }

  push(waiting: Waiting<T>): void {
    this.#waiting.push(waiting);
    this.bytes += waiting.bytes;
  }

  shift(): void {
    this.bytes -= this.#waiting[this.#first]!.bytes;
    this.#first++;
    if (this.#first < CUT_AT && this.#first < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}

interface Busy {
  standing: Standing;
  readonly since: number;
}

export class DeliverySlots<T> {
  readonly #max: number;
  readonly #lines: Readonly<Record<Standing, Line<T>>> = {
    proven: new Line(),
    unproven: new Line(),
    suspect: new Line(),
  };
  readonly #busy = new Map<T, Busy>();
  readonly #counts: Record<Standing, number> = { proven: 0, unproven: 0, suspect: 0 };
  #order = 0;
  #busyMs = 0;
  #countedTo = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get inFlight(): number {
    return this.#busy.size;
  }

  get waiting(): number {
    return STANDINGS.reduce((sum, standing) => sum + this.#lines[standing].count, 0);
  }

  /** The time that all slots together were busy. */
  busyMs(now: number): number {
    this.#count(now);
    return this.#busyMs;
  }

  /** False when there is no room for it. */
  add(job: T, standing: Standing, bytes: number, now: number): boolean {
    const line = this.#lines[standing];
    if (line.count >= LINE_MAX || line.bytes + bytes > LINE_BYTES_MAX) return false;
    line.push({ job, bytes, since: now, order: this.#order++ });
    return true;
  }

  /** The next that gets a slot. */
  next(now: number): T | undefined {
    if (this.#busy.size >= this.#max) return undefined;
    let best: Standing | undefined;
    for (const standing of STANDINGS) {
      const head = this.#lines[standing].head;
      if (head === undefined || !this.#mayBegin(standing)) continue;
      if (best === undefined || head.order < this.#lines[best].head!.order) best = standing;
    }
    if (best === undefined) return undefined;
    const { job } = this.#lines[best].head!;
    this.#lines[best].shift();
    this.#count(now);
    this.#busy.set(job, { standing: best, since: now });
    this.#counts[best]++;
    return job;
  }

  done(job: T, now: number): void {
    const busy = this.#busy.get(job);
    if (busy === undefined) return;
    this.#count(now);
    this.#busy.delete(job);
    this.#counts[busy.standing]--;
  }

  /** Marks what is slow (DS2), and gives what has waited for too long (DS4). */
  look(now: number): T[] {
    for (const busy of this.#busy.values()) {
      if (busy.standing === 'suspect' || now - busy.since < SLOW_AFTER_MS) continue;
      this.#counts[busy.standing]--;
      busy.standing = 'suspect';
      this.#counts.suspect++;
    }
    const late: T[] = [];
    for (const standing of STANDINGS) {
      const line = this.#lines[standing];
      for (let head = line.head; head !== undefined && now - head.since >= WAIT_MS_MAX; head = line.head) {
        late.push(head.job);
        line.shift();
      }
    }
    return late;
  }

  /** All that are in slots. */
  get underWay(): T[] {
    return [...this.#busy.keys()];
  }

  #mayBegin(standing: Standing): boolean {
    if (standing === 'proven') return true;
    const { unproven, suspect } = this.#counts;
    if (unproven + suspect >= this.#part(BOTH_SHARE)) return false;
    return standing === 'unproven' ? unproven < this.#part(UNPROVEN_SHARE) : suspect < this.#part(SUSPECT_SHARE);
  }

  #part(share: number): number {
    return Math.max(1, Math.floor(this.#max * share));
  }

  #count(now: number): void {
    this.#busyMs += this.#busy.size * Math.max(0, now - this.#countedTo);
    this.#countedTo = now;
  }
}
