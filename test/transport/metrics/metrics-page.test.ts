// Holds docs/metrics.md and the dashboard to the page that the server makes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Histogram } from '../../../src/metrics.js';
import { CeilingWatch } from '../../../src/transport/metrics/ceiling-watch.js';
import { Exposition } from '../../../src/transport/metrics/exposition.js';
import { FrontMeter } from '../../../src/transport/metrics/front-meter.js';
import { ManualClock } from '../../runtime/manual-clock.js';
import { PlayedSource } from './played-source.js';
import { PrometheusPage } from './prometheus-page.js';

const docs = join(process.cwd(), 'docs');
const doc = readFileSync(join(docs, 'metrics.md'), 'utf8');
let page: PrometheusPage;

/** A page on which every metric has a sample. */
before(async () => {
  const source = new PlayedSource();
  const meter = new FrontMeter();
  meter.answered('health', 200, 1);
  meter.refused('NOT_FOUND');
  source.countedFigures.turns = [{ kind: 'agent', reading: new Histogram().read() }];
  const loopDelayMs = { mean: 0, p99: 0, max: 0 };
  const bytes = { heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1, arrayBufferBytes: 1 };
  source.countedFigures.threads = [{ thread: 'main', ...bytes, loopDelayMs }];
  const tracing = { counts: { exported: 0, failed: 0, dropped: 0 } };
  source.standingFigures.mailboxes = { depth: 1, bytes: 1, deepest: [{ address: 'agent/a', depth: 1 }] };
  page = new PrometheusPage(await new Exposition(source, meter, tracing).text());
});

test('docs/metrics.md names every metric, with its type and its labels, and no other', () => {
  const rows = [...doc.matchAll(/^\| `((?:troupe|process)_\w+)` +\| (\w+) +\| (.*?) +\|/gm)];
  const told = rows.map(([, name, type, labels]) => [name, type, labels?.match(/\w+/g) ?? []]);
  const made = [...page.families.values()].map(({ name, type, samples }) => {
    const labels = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le');
    return [name, type, labels];
  });
  const byName = (a: unknown[], b: unknown[]) => String(a[0]).localeCompare(String(b[0]));
  assert.deepEqual(told.sort(byName), made.sort(byName));
});

test('docs/metrics.md has a row for every ceiling, with its measure and its threshold', async () => {
  const onDefect = assert.ifError;
  const watch = new CeilingWatch({
    source: new PlayedSource(),
    meter: new FrontMeter(),
    clock: new ManualClock(),
    onDefect,
  });
  const made = (await watch.rows()).map(({ component, measure, threshold }) => [component, measure, String(threshold)]);
  const rows = [...doc.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| (\d+) +\|/gm)].map((row) => row.slice(1));
  assert.deepEqual(rows, made);
});

test('every metric of the dashboard is one that the server has, with the labels that it is asked for', () => {
  const dashboard = JSON.parse(readFileSync(join(docs, 'grafana-dashboard.json'), 'utf8')) as {
    readonly schemaVersion: number;
    readonly panels: readonly {
      readonly id: number;
      readonly title: string;
      readonly gridPos: { readonly x: number; readonly w: number };
      readonly targets: readonly { readonly expr: string; readonly refId: string; readonly legendFormat: string }[];
    }[];
  };
  assert.ok(dashboard.schemaVersion > 0 && dashboard.panels.length > 0);
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  for (const { title, targets, gridPos } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24 && targets.length > 0, title);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (const { expr, legendFormat } of targets) {
      const names = expr.match(/(troupe|process)_\w+/g) ?? [];
      assert.equal(names.length, 1, expr);
      const samples = [...page.families.values()].flatMap((family) => family.samples);
      const sample = samples.find(({ name }) => name === names[0]);
      assert.ok(sample !== undefined, `${title}: there is no ${names[0]}`);
      const grouped = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [];
      const matched = [...expr.matchAll(/(\w+)="/g)].map(([, label]) => label);
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      for (const label of [...grouped, ...matched, ...shown]) assert.ok(label! in sample.labels, `${expr}: ${label}`);
    }
  }
});
