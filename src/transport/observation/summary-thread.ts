// Summary thread
//
// What the thread of the summaries does (src/summarizer.ts): folds the event log into the sums, and reads pages of them. It
// is never terminated, only asked to stop: it writes a store.
//
//     resting ── LOOK_MS, and enough is there, old enough, or in somebody's way ──▶ folding, a slice a turn ──▶ resting
//        │                                                          ▲
//        └── somebody reads ── at once, without rests ──────────────┘ then the page
//
// Owns:     when is folded, and who waits for it.
// Does not: know what the sums are (summaries/fold.ts), or who may read them (observe-routes.ts).
//
// ST1. A page holds all events that were in the tables when it was asked for.
// ST2. Who would have to wait for more than BEHIND_EVENTS_MAX events is told so at once. Others wait for those alone that
//      were there when they asked.
// ST3. While nobody waits, it works for at most half of the time.
// ST4. Every reading is answered once; one that fails says so. When the sums cannot be written, all who wait are told, and
//      it is tried again after RETRY_MS.

import type { MessagePort } from 'node:worker_threads';
import { errorText } from '../../errors.js';
import type { Store, StoreReader } from '../../runtime/storage/store.js';
import { Folding } from '../../summaries/folding.js';
import { readSummary } from './summary-pages.js';
import type { FromSummaries, SummaryReading, ToSummaries } from './summary-protocol.js';

/** Some seconds of work, where every message has ends of its own. */
export const BEHIND_EVENTS_MAX = 100_000;
/** How often is looked whether there is enough to fold. */
const LOOK_MS = 1_000;
/** So many events are folded soon, because folding many at once costs less; fewer after so many looks. */
const WORTH_EVENTS = 8_192;
const LOOKS_MAX = 10;
const RETRY_MS = 1_000;

export interface SummaryParts {
  readonly openTables: () => StoreReader;
  readonly openSums: () => Store;
}

interface Waiting {
  readonly ticket: number;
  readonly reading: SummaryReading;
  /** The number of the last event that it must hold. */
  readonly seq: number;
}

interface Opened {
  readonly sums: Store;
  readonly folding: Folding;
}

const encoder = new TextEncoder();

export class SummaryThread {
  readonly #control: MessagePort;
  readonly #parts: SummaryParts;
  #tables: StoreReader | undefined;
  #sums: Store | undefined;
  /** Both are open, and the sums are of this log. */
  #opened: Opened | undefined;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** Looks that found something, too little to be worth it. */
  #looks = 0;
  #isFailing = false;
  #missed = 0;
  /** Up to here is folded without waiting for more. */
  #soonUntil = 0;

  constructor(control: MessagePort, parts: SummaryParts) {
    this.#control = control;
    this.#parts = parts;
    control.on('message', (message: ToSummaries) => this.#receive(message));
    this.#hurry();
  }

  #receive(message: ToSummaries): void {
    switch (message.kind) {
      case 'read':
        this.#read(message.ticket, message.reading);
        break;
      case 'fold':
        this.#foldSoon();
        break;
      case 'stop':
        void this.#stop();
        break;
      default:
        message satisfies never;
    }
  }

  #read(ticket: number, reading: SummaryReading): void {
    try {
      const { folding } = this.#open();
      const seq = folding.seq();
      const events = seq - folding.folded;
      if (events > BEHIND_EVENTS_MAX) {
        this.#say({ kind: 'behind', ticket, events });
        return;
      }
      this.#waiting.push({ ticket, reading, seq });
      this.#hurry();
    } catch (error) {
      this.#say({ kind: 'failed', ticket, error: errorText(error) });
    }
  }

  /** With rests: nobody waits for a page. */
  #foldSoon(): void {
    try {
      this.#soonUntil = this.#open().folding.seq();
    } catch {
      // The next turn finds the same, and says so.
    }
    this.#hurry();
  }

  #hurry(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#turn();
    });
  }

  #rest(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), delayMs);
  }

  /** One slice, if it is time for it; then whoever has waited for no more. */
  #turn(): void {
    try {
      const opened = this.#open();
      const startedAt = performance.now();
      const isMore = this.#foldIfWorth(opened);
      this.#isFailing = false;
      this.#answer(opened);
      if (this.#waiting.length > 0) this.#hurry();
      else this.#rest(isMore ? performance.now() - startedAt : LOOK_MS);
    } catch (error) {
      if (!this.#isFailing) this.#say({ kind: 'failing', error: errorText(error) });
      this.#isFailing = true;
      for (const { ticket } of this.#waiting.splice(0)) this.#say({ kind: 'failed', ticket, error: errorText(error) });
      this.#rest(RETRY_MS);
    }
  }

  /** True when there is enough left to go on with. */
  #foldIfWorth({ folding }: Opened): boolean {
    const { folded } = folding;
    const behind = folding.seq() - folded;
    const isAwaited = this.#soonUntil > folded || this.#waiting.some(({ seq }) => seq > folded);
    if (!isAwaited && behind < WORTH_EVENTS && (behind === 0 || ++this.#looks < LOOKS_MAX)) return false;
    this.#looks = 0;
    if (!folding.foldSlice()) return false;
    this.#say({ kind: 'folded', seq: folding.folded });
    if (folding.missed > this.#missed) this.#say({ kind: 'missed', events: folding.missed });
    this.#missed = folding.missed;
    return this.#soonUntil > folding.folded || folding.seq() - folding.folded >= WORTH_EVENTS;
  }

  #answer({ folding, sums }: Opened): void {
    const { folded } = folding;
    const ready = this.#waiting.filter(({ seq }) => seq <= folded);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter(({ seq }) => seq > folded);
    sums.refresh();
    for (const { ticket, reading } of ready) this.#page(sums, ticket, reading);
  }

  #page(sums: StoreReader, ticket: number, reading: SummaryReading): void {
    try {
      const page = readSummary(sums, reading);
      const json = page === undefined ? undefined : encoder.encode(JSON.stringify(page));
      const message: FromSummaries = { kind: 'read', ticket, json };
      this.#control.postMessage(message, json === undefined ? [] : [json.buffer]);
    } catch (error) {
      this.#say({ kind: 'failed', ticket, error: errorText(error) });
    }
  }

  /** Opens what is not open yet: a store that could not be, or sums that were refused, are looked at again each time. */
  #open(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    this.#tables ??= this.#parts.openTables();
    this.#sums ??= this.#parts.openSums();
    const folding = new Folding(this.#tables, this.#sums);
    this.#missed = folding.missed;
    this.#opened = { sums: this.#sums, folding };
    this.#say({ kind: 'folded', seq: folding.folded });
    return this.#opened;
  }

  #say(message: FromSummaries): void {
    this.#control.postMessage(message);
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#control.removeAllListeners('message');
    await this.#tables?.close();
    await this.#sums?.close();
    this.#control.close();
  }
}
