// OTLP exporter
//
// Where the spans of the process go: over OTLP/HTTP to the endpoint of the environment, by OpenTelemetry's own exporter,
// which is loaded when there is something to export to, and not otherwise.
//
// Owns:     the packages of OpenTelemetry, and what waits for them.
// Does not: make spans, or choose what is traced (tracing.ts).
//
// OX1. At most SPANS_WAITING_MAX spans wait; further ones are counted, and lost. Nothing ever waits for the exporter.
// OX2. One export at a time. One that fails loses its spans: they are counted.

import { ConfigError } from '../../config.js';

export const SPANS_WAITING_MAX = 8_192;
const EXPORT_SPANS_MAX = 512;
const EXPORT_EVERY_MS = 1_000;
/** What a stopping server gives the last spans. */
const CLOSE_MS = 2_000;
const MS_PER_S = 1000;
const NS_PER_MS = 1e6;
const SAMPLED = 1;
const FAILED = 2;

/** Names rather than literal imports, so that the program compiles where the optional packages are absent. */
const SDK: string = '@opentelemetry/sdk-trace-base';
const EXPORTER: string = '@opentelemetry/exporter-trace-otlp-http';

export type SpanRole = 'request' | 'turn' | 'commit' | 'push';

/** A span that is over. Ids are bytes; times are milliseconds since the epoch. */
export interface FinishedSpan {
  readonly name: string;
  readonly kind: SpanRole;
  readonly trace: Uint8Array;
  readonly id: Uint8Array;
  readonly parent: Uint8Array | undefined;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export interface SpanCounts {
  readonly exported: number;
  /** The endpoint did not take them. */
  readonly failed: number;
  /** Too many waited. */
  readonly dropped: number;
}

export interface SpanSink {
  add(span: FinishedSpan): void;
  /** Spans that were lost before they came here. */
  lost(count: number): void;
  readonly counts: SpanCounts;
  close(): Promise<void>;
}

/** OpenTelemetry's span kinds, by number. */
const KINDS: Readonly<Record<SpanRole, number>> = { request: 1, turn: 4, commit: 0, push: 3 };

interface ExportResult {
  readonly code: number;
}
/** The parts of the packages that are used here. */
interface Exporter {
  export(spans: readonly object[], done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
  forceFlush?(): Promise<void>;
}
interface Processor {
  onEnd(span: object): void;
  shutdown(): Promise<void>;
}
interface SdkPackage {
  readonly BatchSpanProcessor: new (exporter: Exporter, options: object) => Processor;
}
interface ExporterPackage {
  readonly OTLPTraceExporter: new () => Exporter;
}

export interface OtlpOptions {
  readonly serviceName: string;
  readonly version: string;
}

/** Loads the packages: some hundred milliseconds, once. Rejects with ConfigError when they are not installed. */
export async function openOtlpExporter(options: OtlpOptions): Promise<SpanSink> {
  const loaded = Promise.all([import(SDK) as Promise<SdkPackage>, import(EXPORTER) as Promise<ExporterPackage>]);
  const [{ BatchSpanProcessor }, { OTLPTraceExporter }] = await loaded.catch((error: unknown) => {
    const problem = `is set, and the packages of OpenTelemetry do not load: ${String(error)}`;
    throw new ConfigError([{ key: 'OTEL_EXPORTER_OTLP_ENDPOINT', problem, source: 'environment' }]);
  });
  return new OtlpSink(options, new OTLPTraceExporter(), (exporter) => {
    return new BatchSpanProcessor(exporter, {
      maxQueueSize: SPANS_WAITING_MAX,
      maxExportBatchSize: EXPORT_SPANS_MAX,
      scheduledDelayMillis: EXPORT_EVERY_MS,
    });
  });
}

class OtlpSink implements SpanSink {
  readonly #processor: Processor;
  readonly #resource: object;
  readonly #scope: object;
  #waiting = 0;
  #exported = 0;
  #failed = 0;
  #dropped = 0;

  constructor({ serviceName, version }: OtlpOptions, exporter: Exporter, batch: (exporter: Exporter) => Processor) {
    const attributes = { 'service.name': serviceName, 'service.version': version };
    this.#resource = { attributes, getRawAttributes: () => Object.entries(attributes) };
    this.#scope = { name: 'troupe', version };
    this.#processor = batch({
      export: (spans, done) => {
        exporter.export(spans, (result) => {
          this.#waiting -= spans.length;
          if (result.code === 0) this.#exported += spans.length;
          else this.#failed += spans.length;
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    });
  }

  get counts(): SpanCounts {
    return { exported: this.#exported, failed: this.#failed, dropped: this.#dropped };
  }

  lost(count: number): void {
    this.#dropped += count;
  }

  add(span: FinishedSpan): void {
    if (this.#waiting >= SPANS_WAITING_MAX) {
      this.#dropped++;
      return;
    }
    this.#waiting++;
    this.#processor.onEnd(this.#readable(span));
  }

  async close(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#processor.shutdown().catch(() => undefined), patience]);
    clearTimeout(late);
  }

  /** As the SDK reads a span (ReadableSpan). */
  #readable({ name, kind, trace, id, parent, beganAt, endedAt, failed, attributes = {} }: FinishedSpan): object {
    const traceId = hex(trace);
    const context = { traceId, spanId: hex(id), traceFlags: SAMPLED };
    return {
      name,
      kind: KINDS[kind],
      spanContext: () => context,
      parentSpanContext: parent === undefined ? undefined : { traceId, spanId: hex(parent), traceFlags: SAMPLED },
      startTime: hrTime(beganAt),
      endTime: hrTime(endedAt),
      duration: hrTime(endedAt - beganAt),
      status: { code: failed ? FAILED : 0 },
      attributes: { 'troupe.span': kind, ...attributes },
      links: [],
      events: [],
      ended: true,
      resource: this.#resource,
      instrumentationScope: this.#scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Seconds, and nanoseconds. */
function hrTime(ms: number): readonly [number, number] {
  const seconds = Math.floor(ms / MS_PER_S);
  return [seconds, Math.round((ms - seconds * MS_PER_S) * NS_PER_MS)];
}
