// Ceilings
//
// How near each part of the server is to what it can bear, and what to do then: the plan for growth, live.
//
//     every SNAPSHOT_MS: snapshot ──▶ window of WINDOW_MS ──┐
//     GET /admin/ceilings: snapshot ────────────────────────┴──▶ measures ──▶ states, and since when
//
// Owns:     the window, the thresholds, the states.
// Does not: take a snapshot (ceiling-watch.ts).
//
// CE1. Times are of what ended within the window, shares of the processor are of its length, and bytes are its largest.
// CE2. A measure without enough to go by has no value, and its state is ok.
// CE3. `since` is when the state became what it is; a state of a component that never changed is as old as the process.
// CE4. The trend is what the measure is in the later half of the window beside what it was in the earlier: more, or less, by
//      TREND_SHARE of the threshold. Where either half has no value there is none.

import { timestamp } from '../../clock.js';
import type { Ceiling } from '../../contract/server.js';
import { between, countOf, quantileMs, type Reading } from '../../metrics.js';

export const WINDOW_MS = 300_000;
export const SNAPSHOT_MS = 10_000;
/** A percentile of fewer says nothing. */
export const OBSERVATIONS_MIN = 100;
/** Of the threshold: from here on the state is `watch`. */
export const WATCH_SHARE = 0.7;

/** Of the threshold: a smaller difference is none. */
export const TREND_SHARE = 0.1;

const P99 = 0.99;
const PERCENT = 100;

/** Totals since the start of the process, and bytes of the moment. */
export interface CeilingSnapshot {
  /** Of the monotonic clock. */
  readonly atMs: number;
  /** Of the wall clock. */
  readonly now: number;
  readonly stateWrites: Reading;
  readonly eventAppends: Reading;
  readonly registryPages: Reading;
  readonly hashMs: number;
  readonly cpuMs: number;
  readonly cores: number;
  /** That all slots of webhooks together were busy, and how many they are. */
  readonly webhookBusyMs: number;
  readonly webhookSlots: number;
  readonly queuedBytes: number;
  readonly rssBytes: number;
  readonly ramBytes: number;
}

type Window = readonly [oldest: CeilingSnapshot, ...CeilingSnapshot[]];

interface Measured {
  readonly value: number | null;
  readonly nextStep: string;
}

interface Rule {
  readonly component: Ceiling['component'];
  readonly measure: string;
  readonly threshold: number;
  readonly of: (window: Window, newest: CeilingSnapshot) => Measured;
}

const ALL_WELL = 'Nothing to do.';

const RULES: readonly Rule[] = [
  {
    component: 'storage',
    measure: 'state_write_p99_ms',
    threshold: 100,
    of: (window, newest) => ({
      value: p99(window[0].stateWrites, newest.stateWrites),
      nextStep:
        'Put data_dir on a disk with a faster flush (a local NVMe), and look in /metrics whether it is the commit or the mailbox wait that grows; with the wait, raise workers on a machine with more cores.',
    }),
  },
  {
    component: 'event_log',
    measure: 'event_append_p99_ms',
    threshold: 10,
    of: (window, newest) => ({
      value: p99(window[0].eventAppends, newest.eventAppends),
      nextStep:
        'The flush of the disk is what takes the time: put data_dir on a faster one, which nothing else writes to.',
    }),
  },
  {
    component: 'authentication',
    measure: 'hash_cpu_percent',
    threshold: 50,
    of: (window, newest) => ({
      value: cpuPercent(window, newest, ({ hashMs }) => hashMs),
      nextStep:
        'Raise auth.cache_ttl_ms, so that a token is hashed less often; lower auth.hash_threads to leave the processor to others, or take a machine with more cores.',
    }),
  },
  {
    component: 'queues',
    measure: 'queued_bytes_percent_of_ram',
    threshold: 50,
    of: (window, newest) => ({
      value: bytesPercent(window, newest, ({ queuedBytes }) => queuedBytes),
      nextStep:
        'More is sent than handled: find the deepest mailboxes in /metrics, lower limits.message_send_per_min or journal.unapplied_bytes_max, or take a machine with more memory and a faster disk.',
    }),
  },
  {
    component: 'registry',
    measure: 'registry_page_p99_ms',
    threshold: 50,
    of: (window, newest) => ({
      value: p99(window[0].registryPages, newest.registryPages),
      nextStep:
        'Ask for smaller pages (limit), lower limits.registry_read_per_min, or take a machine with faster cores.',
    }),
  },
  {
    component: 'webhooks',
    measure: 'webhook_slots_busy_percent',
    threshold: 80,
    of: (window, newest) => ({
      value: slotsPercent(window, newest),
      nextStep:
        'Receivers are slow: look at troupe_webhook_seconds in /metrics, lower webhooks.timeout_ms, or raise webhooks.in_flight_max.',
    }),
  },
  { component: 'server', measure: 'cpu_or_ram_percent', threshold: 80, of: serverLoad },
];

export class Ceilings {
  #window: CeilingSnapshot[] = [];
  readonly #states = new Map<Rule, Pick<Ceiling, 'state' | 'since'>>();

  /** Keeps a snapshot, and lets go of those that have left the window. */
  add(snapshot: CeilingSnapshot): void {
    this.rows(snapshot);
    this.#window = [...this.#window.filter(({ atMs }) => snapshot.atMs - atMs <= WINDOW_MS), snapshot];
  }

  /** A row for each component, as of this snapshot, which is not kept. */
  rows(newest: CeilingSnapshot): Ceiling[] {
    const [first = newest, ...others] = this.#window.filter(({ atMs }) => newest.atMs - atMs <= WINDOW_MS);
    const window: Window = [first, ...others];
    return RULES.map((rule) => ({
      ...this.#row(rule, rule.of(window, newest), newest.now),
      trend: trendOf(rule, window, newest),
    }));
  }

  #row(rule: Rule, { value, nextStep }: Measured, now: number): Omit<Ceiling, 'trend'> {
    const state = stateOf(value, rule.threshold);
    const before = this.#states.get(rule);
    const since = before?.state === state ? before.since : timestamp(now);
    this.#states.set(rule, { state, since });
    return {
      component: rule.component,
      measure: rule.measure,
      value: value === null ? null : Math.round(value * 10) / 10,
      threshold: rule.threshold,
      state,
      since,
      next_step: state === 'ok' ? ALL_WELL : nextStep,
    };
  }
}

function trendOf({ of, threshold }: Rule, window: Window, newest: CeilingSnapshot): Ceiling['trend'] {
  const [middle, ...later] = window.slice(Math.floor(window.length / 2));
  if (window.length < 2 || middle === undefined) return null;
  const [first, ...others] = window.slice(0, window.length - later.length - 1);
  const before = first === undefined ? null : of([first, ...others], middle).value;
  const after = of([middle, ...later], newest).value;
  if (before === null || after === null) return null;
  if (Math.abs(after - before) < TREND_SHARE * threshold) return 'steady';
  return after > before ? 'rising' : 'falling';
}

function stateOf(value: number | null, threshold: number): Ceiling['state'] {
  if (value === null || value < WATCH_SHARE * threshold) return 'ok';
  return value < threshold ? 'watch' : 'act';
}

function p99(earlier: Reading, later: Reading): number | null {
  const within = between(earlier, later);
  return countOf(within) < OBSERVATIONS_MIN ? null : (quantileMs(within, P99) ?? null);
}

/** Of the time that all cores had; null while the window is too short for it. */
function cpuPercent(
  [oldest]: Window,
  newest: CeilingSnapshot,
  usedMs: (snapshot: CeilingSnapshot) => number,
): number | null {
  const hadMs = (newest.atMs - oldest.atMs) * newest.cores;
  if (newest.atMs - oldest.atMs < SNAPSHOT_MS) return null;
  return (PERCENT * (usedMs(newest) - usedMs(oldest))) / hadMs;
}

/** Of the time that all slots had; null while the window is too short for it. */
function slotsPercent([oldest]: Window, newest: CeilingSnapshot): number | null {
  const hadMs = (newest.atMs - oldest.atMs) * newest.webhookSlots;
  if (newest.atMs - oldest.atMs < SNAPSHOT_MS) return null;
  return (PERCENT * (newest.webhookBusyMs - oldest.webhookBusyMs)) / hadMs;
}

function bytesPercent(window: Window, newest: CeilingSnapshot, bytes: (snapshot: CeilingSnapshot) => number): number {
  return (PERCENT * Math.max(...[...window, newest].map(bytes))) / newest.ramBytes;
}

function serverLoad(window: Window, newest: CeilingSnapshot): Measured {
  const cpu = cpuPercent(window, newest, ({ cpuMs }) => cpuMs) ?? 0;
  const ram = bytesPercent(window, newest, ({ rssBytes }) => rssBytes);
  return cpu >= ram
    ? { value: cpu, nextStep: 'It is the processor: take a machine with more cores; workers 0 uses all of them.' }
    : {
        value: ram,
        nextStep: 'It is the memory: take a machine with more, or lower sessions.max and http.connections_max.',
      };
}
