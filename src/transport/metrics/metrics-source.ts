// Metrics source
//
// Where the numbers of the rest of the process come from. The composition root puts it together.

import type { Reading } from '../../metrics.js';

export interface ThreadFigures {
  readonly thread: string;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Outside of the heap, held by its objects; `arrayBufferBytes`: in buffers, shared ones too. */
  readonly externalBytes: number;
  readonly arrayBufferBytes: number;
  /** In the last few seconds. */
  readonly loopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number };
}

/** What was counted since the start of the process. */
export interface CountedFigures {
  readonly turns: readonly { readonly kind: string; readonly reading: Reading }[];
  readonly mailboxWaits: Reading;
  /** One for each group that the journal wrote, and one for each event in it. */
  readonly commits: Reading;
  readonly eventAppends: Reading;
  readonly deadLetters: number;
  readonly threads: readonly ThreadFigures[];
}

/** What is so at the moment. */
export interface StandingFigures {
  /** Messages that wait for actors, their bytes, and the addresses for which most of them wait. */
  readonly mailboxes: {
    readonly depth: number;
    readonly bytes: number;
    readonly deepest: readonly { readonly address: string; readonly depth: number }[];
  };
  readonly residentActors: number;
  readonly residentBytes: number;
  readonly quarantined: number;
  readonly sessions: number;
  readonly hashesQueued: number;
  readonly asksWaiting: number;
  /** Durable in the journal, and not in the tables yet. */
  readonly unappliedBytes: number;
  readonly workerRestarts: number;
}

/** What the process takes of the machine. */
export interface ProcessFigures {
  /** Processor time since the start, of all threads. */
  readonly cpuMs: number;
  readonly cores: number;
  readonly rssBytes: number;
  /** What the process may have. */
  readonly ramBytes: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Pushes to webhooks. */
export interface WebhookFigures {
  readonly inFlight: number;
  /** That wait for a slot. */
  readonly waiting: number;
  readonly inFlightMax: number;
  /** That all slots together were busy, since the start. */
  readonly busyMs: number;
  readonly attempts: readonly { readonly outcome: string; readonly reading: Reading }[];
  /** Endpoints that are left alone, or on trial. */
  readonly openCircuits: number;
}

export interface MetricsSource {
  readonly version: string;
  webhooks(): WebhookFigures;
  /** At once; asks nobody. */
  counted(): CountedFigures;
  /** Asks each thread, and leaves out one that does not answer. */
  standing(): Promise<StandingFigures>;
  process(): ProcessFigures;
}
