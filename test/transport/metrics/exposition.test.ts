// The page of GET /metrics: a strict reader takes it, and every number stands under its name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../../src/metrics.js';
import { Exposition } from '../../../src/transport/metrics/exposition.js';
import { FrontMeter } from '../../../src/transport/metrics/front-meter.js';
import { standingFigures } from '../../../src/transport/metrics/standing-figures.js';
import { PlayedSource } from './played-source.js';
import { PrometheusPage } from './prometheus-page.js';

function readingOf(...times: number[]) {
  const histogram = new Histogram();
  for (const ms of times) histogram.observe(ms);
  return histogram.read();
}

test('tells every number under its name, and a strict reader takes the page (PT1, PT2)', async () => {
  const source = new PlayedSource();
  const meter = new FrontMeter();
  meter.answered('sendMessage', 202, 3);
  meter.answered('sendMessage', 202, 30_000);
  meter.answered('session.state.put', 409, 1);
  meter.answered('none', 404, 1);
  meter.refused('NOT_FOUND');
  meter.refused('NOT_FOUND');
  meter.messageSent();
  meter.hashWaits.observe(0);
  meter.hashes.observe(4);
  source.countedFigures.turns = [{ kind: 'agent', reading: readingOf(0.02, 0.3) }];
  source.countedFigures.commits = readingOf(2);
  source.countedFigures.deadLetters = 7;
  source.countedFigures.threads = [
    {
      thread: 'main',
      heapUsedBytes: 10,
      heapTotalBytes: 20,
      externalBytes: 3_000,
      arrayBufferBytes: 1_000,
      loopDelayMs: { mean: 1, p99: 2, max: 3 },
    },
  ];
  source.standingFigures.mailboxes = { depth: 5, bytes: 50, deepest: [{ address: 'agent/"a\\\n', depth: 4 }] };
  source.standingFigures.workerRestarts = 3;
  source.processFigures.cpuMs = 1500;
  const text = await new Exposition(source, meter).text();
  const page = new PrometheusPage(text);
  const expected: [name: string, labels: Record<string, string>, value: number][] = [
    ['troupe_info', { version: '1.2.3' }, 1],
    ['troupe_request_seconds_count', { route: 'sendMessage', status: '202' }, 2],
    ['troupe_request_seconds_sum', { route: 'sendMessage' }, 30.003],
    ['troupe_request_seconds_bucket', { route: 'sendMessage', le: '0.0025' }, 0],
    ['troupe_request_seconds_bucket', { route: 'sendMessage', le: '0.005' }, 1],
    ['troupe_request_seconds_bucket', { route: 'sendMessage', le: '10' }, 1],
    ['troupe_request_seconds_count', { route: 'session.state.put', status: '409' }, 1],
    ['troupe_request_seconds_count', { route: 'none', status: '404' }, 1],
    ['troupe_refusals_total', { code: 'NOT_FOUND' }, 2],
    ['troupe_messages_total', {}, 1],
    ['troupe_reads_dropped_total', {}, 0],
    ['troupe_hash_seconds_count', {}, 1],
    ['troupe_turn_seconds_bucket', { kind: 'agent', le: '0.000025' }, 1],
    ['troupe_turn_seconds_count', { kind: 'agent' }, 2],
    ['troupe_commit_seconds_sum', {}, 0.002],
    ['troupe_event_append_seconds_count', {}, 0],
    ['troupe_dead_letters_total', {}, 7],
    ['troupe_heap_used_bytes', { thread: 'main' }, 10],
    ['troupe_event_loop_delay_seconds', { thread: 'main', stat: 'p99' }, 0.002],
    ['troupe_mailbox_depth', {}, 5],
    ['troupe_deepest_mailbox_depth', { address: 'agent/"a\\\n' }, 4],
    ['troupe_worker_restarts_total', {}, 3],
    ['process_cpu_seconds_total', {}, 1.5],
  ];
  for (const [name, labels, value] of expected) assert.equal(page.value(name, labels), value, name);
});

test('makes one page at a time, however many ask (EX1)', async () => {
  const source = new PlayedSource();
  const exposition = new Exposition(source, new FrontMeter());
  const pages = await Promise.all([exposition.text(), exposition.text(), exposition.text()]);
  assert.deepEqual([source.asked, new Set(pages).size], [1, 1]);
  await exposition.text();
  assert.equal(source.asked, 2);
});

test('tells of a failure to whoever asked, and makes the next page all the same', async () => {
  const source = new PlayedSource();
  const exposition = new Exposition(source, new FrontMeter());
  source.failure = new Error('the threads are gone');
  await assert.rejects(exposition.text(), /the threads are gone/);
  source.failure = undefined;
  assert.ok(new PrometheusPage(await exposition.text()).families.size > 0);
});

test('sums over workers, leaves out one that told nothing, and names the 10 deepest of all (SF1, EX2)', () => {
  const worker = (first: number) => ({
    mailboxes: {
      depth: 100,
      bytes: 1000,
      deepest: Array.from({ length: 10 }, (_, i) => ({ address: `agent/${first + i}`, depth: first + i })),
    },
    residentActors: 2,
    residentBytes: 20,
    quarantined: 1,
  });
  const figures = standingFigures({
    workers: [worker(0), undefined, worker(5)],
    journal: undefined,
    asksWaiting: 4,
    workerReplacements: 6,
    hashesQueued: 8,
    sessions: 9,
  });
  assert.deepEqual(
    figures.mailboxes.deepest.map(({ depth }) => depth),
    [14, 13, 12, 11, 10, 9, 9, 8, 8, 7],
  );
  assert.deepEqual([figures.mailboxes.depth, figures.mailboxes.bytes, figures.residentActors], [200, 2000, 4]);
  assert.deepEqual([figures.workerRestarts, figures.sessions, figures.unappliedBytes], [6, 9, 0]);
});
