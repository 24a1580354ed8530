// Tracing
//
// Follows requests and frames that are sampled from the socket into the actors, and what comes back of them to the exporter.
//
//     head ──▶ span of the request ──within()──▶ asks and tells carry its mark ──▶ shards ──spans()──▶ exporter
//
// Owns:     the spans of the main thread, and what is being done just now.
// Does not: know the shards (runtime/traces.ts), or how spans leave (otlp-exporter.ts).
//
// TG1. Where traces are off there is no Tracing: whoever may have one asks that, and nothing else is done.
// TG2. No span holds what a client sent: names are of the contract and of protocols, and the ids of a trace are checked.
// TG3. What is being done is known within one turn of the loop: to follow it over every await would cost each promise of this
//      thread. What a route asks behind an await belongs to no span.
// TG4. At most TRACES_PER_S_MAX are begun in a second, whatever was sampled: under load the others are not followed, so that
//      what tracing costs has a bound.

import { randomFillSync } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { version } from '../../version.js';
import { WallTime } from '../../wall-time.js';
import { type FinishedSpan, openOtlpExporter, type SpanCounts, type SpanSink } from './otlp-exporter.js';
import { traceSettings } from './trace-settings.js';

export const TRACES_PER_S_MAX = 100;
const MS_PER_S = 1000;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const MARK_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES;
/** Fetched at once: asking the system for a few bytes costs microseconds. */
const POOL_MARKS = 128;
/** W3C Trace Context: version, trace, parent, flags. A version to come may have more behind them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** A request or a frame that is followed. */
export interface RequestSpan {
  /** Its trace, and itself. */
  readonly mark: Uint8Array;
  readonly parent: Uint8Array | undefined;
  readonly beganAt: number;
}

interface Parent {
  readonly trace: Uint8Array;
  readonly span: Uint8Array;
  readonly isSampled: boolean;
}

/** Undefined where the environment names no endpoint. Rejects with ConfigError. */
export async function openTracing(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<Tracing | undefined> {
  const settings = traceSettings(environment);
  if (settings === undefined) return undefined;
  const sink = await openOtlpExporter({ serviceName: settings.serviceName, version });
  return new Tracing(sink, settings.ratio, clock);
}

export class Tracing {
  readonly #sink: SpanSink;
  readonly #time: WallTime;
  /** Trace ids below it are followed. */
  readonly #bound: number;
  /** Of the span in whose run() we are. */
  #doing: Uint8Array | undefined;
  readonly #clock: Clock;
  #secondEndsMs = 0;
  #begunInSecond = 0;
  readonly #pool = Buffer.alloc(POOL_MARKS * MARK_BYTES);
  #at = POOL_MARKS;

  constructor(sink: SpanSink, ratio: number, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    this.#time = new WallTime(clock);
    this.#bound = ratio * 2 ** 32;
  }

  get counts(): SpanCounts {
    return this.#sink.counts;
  }

  /** Undefined when it is not followed. The client's `traceparent` decides, where it sent a sound one. */
  begin(traceparent?: string): RequestSpan | undefined {
    const mark = this.#freshMark();
    const parent = traceparent === undefined ? undefined : parentOf(traceparent);
    const isSampled = parent === undefined ? mark.readUInt32BE(TRACE_ID_BYTES - 4) < this.#bound : parent.isSampled;
    if (!isSampled || !this.#hasRoom()) return undefined;
    const own = Buffer.from(mark);
    if (parent !== undefined) own.set(parent.trace);
    return { mark: own, parent: parent?.span, beganAt: this.#time.now() };
  }

  /** What is asked or told from in there belongs to the span, up to the first await (TG3). */
  within<T>(span: RequestSpan, run: () => T): T {
    const before = this.#doing;
    this.#doing = span.mark;
    try {
      return run();
    } finally {
      this.#doing = before;
    }
  }

  /** TG4. */
  #hasRoom(): boolean {
    const now = this.#clock.monotonic();
    if (now >= this.#secondEndsMs) {
      this.#secondEndsMs = now + MS_PER_S;
      this.#begunInSecond = 0;
    }
    return ++this.#begunInSecond <= TRACES_PER_S_MAX;
  }

  end({ mark, parent, beganAt }: RequestSpan, name: string, status: number): void {
    this.#add({
      name,
      kind: 'request',
      ...idsOf(mark),
      parent,
      beganAt,
      endedAt: this.#time.now(),
      failed: status >= 500,
      attributes: { 'http.response.status_code': status },
    });
  }

  /** Of what is being done just now. */
  current(): Uint8Array | undefined {
    return this.#doing;
  }

  /** Hands over what a traced turn has pushed. */
  pushed(mark: Uint8Array, run: () => void): void {
    const beganAt = this.#time.now();
    run();
    const { trace, id: parent } = idsOf(mark);
    const id = Buffer.from(this.#freshMark().subarray(TRACE_ID_BYTES));
    this.#add({ name: 'push', kind: 'push', trace, id, parent, beganAt, endedAt: this.#time.now(), failed: false });
  }

  /** Of the shards. */
  spans({ spans, lost }: { readonly spans: readonly FinishedSpan[]; readonly lost: number }): void {
    for (const span of spans) this.#add(span);
    if (lost > 0) this.#sink.lost(lost);
  }

  close(): Promise<void> {
    return this.#sink.close();
  }

  #add(span: FinishedSpan): void {
    this.#sink.add(span);
  }

  /** A new trace with a new span in it, valid until the next one is made. */
  #freshMark(): Buffer {
    if (this.#at === POOL_MARKS) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const start = this.#at++ * MARK_BYTES;
    return this.#pool.subarray(start, start + MARK_BYTES);
  }
}

function idsOf(mark: Uint8Array): { readonly trace: Uint8Array; readonly id: Uint8Array } {
  return { trace: mark.subarray(0, TRACE_ID_BYTES), id: mark.subarray(TRACE_ID_BYTES) };
}

/** Undefined for what is none: a trace begins here then, as the standard has it. */
function parentOf(header: string): Parent | undefined {
  const [, version, trace = '', span = '', flags = '', more] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (ZEROS.test(trace) || ZEROS.test(span)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { trace: Buffer.from(trace, 'hex'), span: Buffer.from(span, 'hex'), isSampled };
}
