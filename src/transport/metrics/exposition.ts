// Exposition
//
// The page of GET /metrics: every number of the process, by its public name.
//
// EX1. One page is made at a time; whoever asks meanwhile gets the same: a scraper in a hurry costs no more.
// EX2. Only the deepest mailboxes are told by their addresses: the page is bounded, whatever the number of actors.

import type { SpanCounts } from '../tracing/otlp-exporter.js';
import type { Tracing } from '../tracing/tracing.js';
import type { FrontMeter } from './front-meter.js';
import type {
  CountedFigures,
  MetricsSource,
  ProcessFigures,
  StandingFigures,
  WebhookFigures,
} from './metrics-source.js';
import { PrometheusText } from './prometheus-text.js';

const MS_PER_S = 1000;

export class Exposition {
  readonly #source: MetricsSource;
  readonly #meter: FrontMeter;
  readonly #tracing: Pick<Tracing, 'counts'> | undefined;
  #underWay: Promise<string> | undefined;

  /** `tracing`: where something is traced. */
  constructor(source: MetricsSource, meter: FrontMeter, tracing?: Pick<Tracing, 'counts'>) {
    this.#source = source;
    this.#tracing = tracing;
    this.#meter = meter;
  }

  text(): Promise<string> {
    this.#underWay ??= this.#write().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #write(): Promise<string> {
    const standing = await this.#source.standing();
    const page = new PrometheusText();
    page.family('gauge', 'troupe_info', 'Always 1.', [{ labels: { version: this.#source.version }, value: 1 }]);
    writeRequests(page, this.#meter);
    writeCounted(page, this.#source.counted());
    writeStanding(page, standing);
    writeWebhooks(page, this.#source.webhooks());
    writeProcess(page, this.#source.process());
    if (this.#tracing !== undefined) writeSpans(page, this.#tracing.counts);
    return page.toString();
  }
}

function writeRequests(page: PrometheusText, meter: FrontMeter): void {
  page.histogram(
    'troupe_request_seconds',
    'From the head of a request, or a frame of a session that asks, to its answer.',
    meter.requests().map(({ route, status, reading }) => ({ labels: { route, status: String(status) }, reading })),
  );
  page.family('counter', 'troupe_messages_total', 'Messages accepted into the inbox of their recipient.', [
    { value: meter.messages },
  ]);
  page.family(
    'counter',
    'troupe_refusals_total',
    'Refusals, by error code.',
    [...meter.refusals].map(([code, value]) => ({ labels: { code }, value })),
  );
  page.family('counter', 'troupe_reads_dropped_total', 'Reads that were to be events (event_log.reads), and are not.', [
    { value: meter.dropped },
  ]);
  page.histogram('troupe_hash_wait_seconds', 'How long the hash of a token waited for a thread.', [
    { reading: meter.hashWaits.read() },
  ]);
  page.histogram('troupe_hash_seconds', 'How long the hash of a token took.', [{ reading: meter.hashes.read() }]);
}

function writeCounted(page: PrometheusText, counted: CountedFigures): void {
  page.histogram(
    'troupe_turn_seconds',
    'Turns of actors on their thread, to the first await; sampled when there are many.',
    counted.turns.map(({ kind, reading }) => ({ labels: { kind }, reading })),
  );
  page.histogram(
    'troupe_mailbox_wait_seconds',
    'How long messages from other threads waited for their turn; sampled when there are many.',
    [{ reading: counted.mailboxWaits }],
  );
  page.histogram('troupe_commit_seconds', 'Writing and flushing a group of commits.', [{ reading: counted.commits }]);
  page.histogram('troupe_event_append_seconds', 'The same, once for each event of the group.', [
    { reading: counted.eventAppends },
  ]);
  page.family('counter', 'troupe_dead_letters_total', 'Messages that could not be delivered, or were given up.', [
    { value: counted.deadLetters },
  ]);
  const threads = counted.threads.map((thread) => ({ ...thread, labels: { thread: thread.thread } }));
  page.family(
    'gauge',
    'troupe_heap_used_bytes',
    'The used heap of a thread.',
    threads.map(({ labels, heapUsedBytes }) => ({ labels, value: heapUsedBytes })),
  );
  page.family(
    'gauge',
    'troupe_heap_total_bytes',
    'The heap of a thread.',
    threads.map(({ labels, heapTotalBytes }) => ({ labels, value: heapTotalBytes })),
  );
  page.family(
    'gauge',
    'troupe_external_bytes',
    'What objects of a thread hold outside of its heap.',
    threads.map(({ labels, externalBytes }) => ({ labels, value: externalBytes })),
  );
  page.family(
    'gauge',
    'troupe_array_buffer_bytes',
    'In buffers of a thread, shared ones too.',
    threads.map(({ labels, arrayBufferBytes }) => ({ labels, value: arrayBufferBytes })),
  );
  page.family(
    'gauge',
    'troupe_event_loop_delay_seconds',
    'How late the event loop of a thread was in the last 5 s.',
    threads.flatMap(({ labels, loopDelayMs }) =>
      Object.entries(loopDelayMs).map(([stat, ms]) => ({ labels: { ...labels, stat }, value: ms / MS_PER_S })),
    ),
  );
}

function writeStanding(page: PrometheusText, standing: StandingFigures): void {
  const gauge = (name: string, help: string, value: number): void => page.family('gauge', name, help, [{ value }]);
  gauge('troupe_mailbox_depth', 'Messages that wait for actors.', standing.mailboxes.depth);
  gauge('troupe_mailbox_bytes', 'The bytes of these messages.', standing.mailboxes.bytes);
  page.family(
    'gauge',
    'troupe_deepest_mailbox_depth',
    'Messages that wait, of the 10 actors with most of them.',
    standing.mailboxes.deepest.map(({ address, depth }) => ({ labels: { address }, value: depth })),
  );
  gauge('troupe_resident_actors', 'Actors in memory.', standing.residentActors);
  gauge('troupe_resident_bytes', 'What idle actors keep in memory.', standing.residentBytes);
  gauge('troupe_quarantined_actors', 'Actors that failed too often and were set aside.', standing.quarantined);
  gauge('troupe_sessions', 'Sessions that are open or closing.', standing.sessions);
  gauge('troupe_hashes_queued', 'Hashes that wait for a thread.', standing.hashesQueued);
  gauge('troupe_asks_waiting', 'Calls that wait for the answer of an actor.', standing.asksWaiting);
  gauge('troupe_unapplied_bytes', 'Durable in the journal and not in the tables yet.', standing.unappliedBytes);
  page.family('counter', 'troupe_worker_restarts_total', 'Shard workers that were replaced.', [
    { value: standing.workerRestarts },
  ]);
}

function writeSpans(page: PrometheusText, counts: SpanCounts): void {
  const samples = Object.entries(counts).map(([outcome, value]) => ({ labels: { outcome }, value }));
  page.family('counter', 'troupe_spans_total', 'Spans of traces, by what became of them.', samples);
}

function writeWebhooks(page: PrometheusText, { attempts, inFlight, waiting, openCircuits }: WebhookFigures): void {
  page.histogram(
    'troupe_webhook_seconds',
    'One try of a push to a webhook, by how it ended.',
    attempts.map(({ outcome, reading }) => ({ labels: { outcome }, reading })),
  );
  page.family('gauge', 'troupe_webhooks_in_flight', 'Pushes that are under way.', [{ value: inFlight }]);
  page.family('gauge', 'troupe_webhooks_waiting', 'Pushes that wait for one of the slots.', [{ value: waiting }]);
  page.family('gauge', 'troupe_webhook_circuits_open', 'Webhooks that failed so often that they are left alone.', [
    { value: openCircuits },
  ]);
}

function writeProcess(page: PrometheusText, { cpuMs, rssBytes, startedAt }: ProcessFigures): void {
  page.family('counter', 'process_cpu_seconds_total', 'Processor time of the process.', [{ value: cpuMs / MS_PER_S }]);
  page.family('gauge', 'process_resident_memory_bytes', 'Resident memory of the process.', [{ value: rssBytes }]);
  page.family('gauge', 'process_start_time_seconds', 'When the process began, in unix seconds.', [
    { value: startedAt / MS_PER_S },
  ]);
}
