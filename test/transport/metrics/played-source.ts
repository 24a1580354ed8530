// A metrics source whose numbers a test sets.

import { NOTHING_READ } from '../../../src/metrics.js';
import type {
  CountedFigures,
  MetricsSource,
  ProcessFigures,
  StandingFigures,
  WebhookFigures,
} from '../../../src/transport/metrics/metrics-source.js';

type Open<T> = { -readonly [M in keyof T]: T[M] };

export class PlayedSource implements MetricsSource {
  readonly version = '1.2.3';
  countedFigures: Open<CountedFigures> = {
    turns: [],
    mailboxWaits: NOTHING_READ,
    commits: NOTHING_READ,
    eventAppends: NOTHING_READ,
    deadLetters: 0,
    threads: [],
  };
  standingFigures: Open<StandingFigures> = {
    mailboxes: { depth: 0, bytes: 0, deepest: [] },
    residentActors: 0,
    residentBytes: 0,
    quarantined: 0,
    sessions: 0,
    hashesQueued: 0,
    asksWaiting: 0,
    unappliedBytes: 0,
    workerRestarts: 0,
  };
  webhookFigures: Open<WebhookFigures> = {
    inFlight: 0,
    waiting: 0,
    inFlightMax: 100,
    busyMs: 0,
    attempts: [{ outcome: 'delivered', reading: NOTHING_READ }],
    openCircuits: 0,
  };
  processFigures: Open<ProcessFigures> = { cpuMs: 0, cores: 2, rssBytes: 0, ramBytes: 1000, startedAt: 0 };
  /** Set: the threads cannot be asked. */
  failure: Error | undefined;
  asked = 0;

  counted(): CountedFigures {
    return this.countedFigures;
  }

  async standing(): Promise<StandingFigures> {
    this.asked++;
    if (this.failure !== undefined) throw this.failure;
    return this.standingFigures;
  }

  webhooks(): WebhookFigures {
    return this.webhookFigures;
  }

  process(): ProcessFigures {
    return this.processFigures;
  }
}
