// Prometheus page
//
// A strict reader of the text format 0.0.4: it refuses what a scraper may let pass.

import assert from 'node:assert/strict';

export interface PageSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PageFamily {
  readonly name: string;
  readonly type: string;
  readonly samples: PageSample[];
}

const NAME = /^[a-z_][a-z0-9_]*$/;
const SAMPLE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

export class PrometheusPage {
  readonly families: ReadonlyMap<string, PageFamily>;

  constructor(text: string) {
    this.families = parse(text);
    for (const family of this.families.values()) {
      assert.ok(family.samples.length > 0, `${family.name} has no samples`);
      if (family.type === 'histogram') checkHistogram(family);
    }
  }

  /** The values of all samples of this name that have these labels, perhaps among others. */
  values(name: string, labels: Readonly<Record<string, string>> = {}): number[] {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''));
    return (family?.samples ?? [])
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .map(({ value }) => value);
  }

  /** The only value of this name with these labels. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const [value, ...more] = this.values(name, labels);
    assert.ok(value !== undefined && more.length === 0, `${name} ${JSON.stringify(labels)} is not there once`);
    return value;
  }

  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.values(name, labels).reduce((sum, value) => sum + value, 0);
  }
}

function parse(text: string): Map<string, PageFamily> {
  assert.ok(text.endsWith('\n'), 'the last line ends as every other');
  const families = new Map<string, PageFamily>();
  let family: PageFamily | undefined;
  let helped = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, comment, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (comment === 'HELP') {
      assert.match(name, NAME);
      helped = name;
    } else if (comment === 'TYPE') {
      assert.equal(name, helped, 'TYPE follows the HELP of its metric');
      assert.ok(!families.has(name), `${name} is there twice`);
      assert.match(rest, /^(counter|gauge|histogram)$/);
      assert.equal(rest === 'counter', name.endsWith('_total'), name);
      family = { name, type: rest, samples: [] };
      families.set(name, family);
    } else {
      const sample = parseSample(line);
      assert.ok(family !== undefined && isOf(family, sample.name), `${line} stands with another metric`);
      family.samples.push(sample);
    }
  }
  for (const { name, samples } of families.values()) {
    const keys = samples.map((sample) => `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`);
    assert.equal(new Set(keys).size, keys.length, `${name} has the same sample twice`);
  }
  return families;
}

function isOf({ name, type }: PageFamily, sample: string): boolean {
  return type === 'histogram'
    ? ['bucket', 'sum', 'count'].some((part) => sample === `${name}_${part}`)
    : sample === name;
}

function parseSample(line: string): PageSample {
  const [, name, inner, value] = SAMPLE.exec(line) ?? [];
  assert.ok(name !== undefined, `this is no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; inner !== undefined && at < inner.length; at = LABEL.lastIndex) {
    const [, label, text = ''] = LABEL.exec(inner) ?? [];
    assert.ok(label !== undefined && !(label in labels), `these are no labels: ${line}`);
    labels[label] = text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return { name, labels, value: Number(value) };
}

function checkHistogram({ name, samples }: PageFamily): void {
  const series = new Map<string, PageSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [labels, all] of series) {
    const buckets = all.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => Number(sample.labels.le?.replace('+Inf', 'Infinity')));
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
      `${name} ${labels}`,
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    for (let i = 1; i < buckets.length; i++) assert.ok(buckets[i]!.value >= buckets[i - 1]!.value, `${name} ${labels}`);
    const counts = all.filter((sample) => sample.name === `${name}_count`);
    const sums = all.filter((sample) => sample.name === `${name}_sum`);
    assert.deepEqual([counts.length, sums.length], [1, 1], `${name} ${labels}`);
    assert.equal(counts[0]!.value, buckets.at(-1)!.value, `${name} ${labels}`);
    assert.ok(sums[0]!.value >= 0);
  }
}
