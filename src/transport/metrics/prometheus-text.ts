// Prometheus text
//
// The text format of Prometheus, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
//
// PT1. All samples of a metric stand together, after its HELP and TYPE.
// PT2. The buckets of a histogram never fall, and the last of them is its count.

import { BUCKET_BOUNDS_MS, type Reading } from '../../metrics.js';

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels?: Labels;
  readonly reading: Reading;
}

const NO_LABELS: Labels = {};
const BOUND_DIGITS = 6;
/** Seconds, as they are written. */
const BOUNDS = BUCKET_BOUNDS_MS.map((ms) => String(Number((ms / 1000).toPrecision(BOUND_DIGITS))));

export class PrometheusText {
  #text = '';

  /** `name` of a counter ends with `_total`. Without samples nothing is written. */
  family(type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.#head(type, name, help);
    for (const { labels = NO_LABELS, value } of samples) this.#line(name, labels, value);
  }

  /** `name` ends with `_seconds`. */
  histogram(name: string, help: string, samples: readonly HistogramSample[]): void {
    if (samples.length === 0) return;
    this.#head('histogram', name, help);
    for (const { labels = NO_LABELS, reading } of samples) {
      let below = 0;
      for (const [bucket, count] of reading.counts.entries()) {
        below += count;
        this.#line(`${name}_bucket`, { ...labels, le: BOUNDS[bucket] ?? '+Inf' }, below);
      }
      this.#line(`${name}_sum`, labels, reading.sumMs / 1000);
      this.#line(`${name}_count`, labels, below);
    }
  }

  toString(): string {
    return this.#text;
  }

  #head(type: string, name: string, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  #line(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    this.#text += `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
