// The ceilings over time: the window, the thresholds, the states and their beginnings, by a clock in hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { timestamp } from '../../../src/clock.js';
import type { Ceiling } from '../../../src/contract/server.js';
import { Histogram } from '../../../src/metrics.js';
import { CeilingWatch } from '../../../src/transport/metrics/ceiling-watch.js';
import { OBSERVATIONS_MIN, SNAPSHOT_MS, WINDOW_MS } from '../../../src/transport/metrics/ceilings.js';
import { FrontMeter } from '../../../src/transport/metrics/front-meter.js';
import { ManualClock } from '../../runtime/manual-clock.js';
import { PlayedSource } from './played-source.js';

class Stage {
  readonly clock = new ManualClock();
  readonly source = new PlayedSource();
  readonly meter = new FrontMeter();
  readonly eventAppends = new Histogram();
  readonly defects: unknown[] = [];
  readonly watch = new CeilingWatch({
    source: this.source,
    meter: this.meter,
    clock: this.clock,
    onDefect: (error) => this.defects.push(error),
  });

  /** A snapshot every SNAPSHOT_MS, for so long. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += SNAPSHOT_MS) {
      this.source.countedFigures.eventAppends = this.eventAppends.read();
      this.clock.advance(SNAPSHOT_MS);
      await turn();
    }
  }

  async row(component: Ceiling['component']): Promise<Ceiling> {
    this.source.countedFigures.eventAppends = this.eventAppends.read();
    const rows = await this.watch.rows();
    const row = rows.find((each) => each.component === component);
    assert.ok(row !== undefined);
    return row;
  }

  async stateOf(component: Ceiling['component']): Promise<[Ceiling['value'], Ceiling['state']]> {
    const { value, state } = await this.row(component);
    return [value, state];
  }

  answer(route: Parameters<FrontMeter['answered']>[0], ms: number, times = OBSERVATIONS_MIN): void {
    for (let i = 0; i < times; i++) this.meter.answered(route, 200, ms);
  }
}

async function staged(): Promise<Stage> {
  const stage = new Stage();
  await stage.watch.start();
  return stage;
}

test('begins with every component ok, since the start, and nothing to do (CE2, CE3)', async () => {
  const stage = await staged();
  const began = timestamp(stage.clock.now());
  await stage.pass(SNAPSHOT_MS);
  const rows = await stage.watch.rows();
  assert.deepEqual(
    rows.map(({ component, measure, threshold }) => [component, measure, threshold]),
    [
      ['storage', 'state_write_p99_ms', 100],
      ['event_log', 'event_append_p99_ms', 10],
      ['authentication', 'hash_cpu_percent', 50],
      ['queues', 'queued_bytes_percent_of_ram', 50],
      ['registry', 'registry_page_p99_ms', 50],
      ['webhooks', 'webhook_slots_busy_percent', 80],
      ['server', 'cpu_or_ram_percent', 80],
    ],
  );
  for (const { state, since, next_step } of rows) {
    assert.deepEqual([state, since, next_step], ['ok', began, 'Nothing to do.']);
  }
});

test('says nothing of a percentile of too few (CE2)', async () => {
  const stage = await staged();
  stage.answer('putState', 400, OBSERVATIONS_MIN - 1);
  assert.deepEqual(await stage.stateOf('storage'), [null, 'ok']);
  stage.answer('putState', 400, 1);
  const [value, state] = await stage.stateOf('storage');
  assert.ok(value !== null && value > 250 && value <= 500);
  assert.equal(state, 'act');
});

test('is on watch from 70 % of the threshold, and acts from the threshold on', async () => {
  const stage = await staged();
  const cases: [percent: number, state: Ceiling['state']][] = [
    [34.9, 'ok'],
    [35, 'watch'],
    [49.9, 'watch'],
    [50, 'act'],
  ];
  for (const [percent, state] of cases) {
    stage.source.standingFigures.unappliedBytes = percent * 10;
    assert.deepEqual(await stage.stateOf('queues'), [percent, state]);
  }
  assert.match((await stage.row('queues')).next_step, /limits\.message_send_per_min/);
});

test('takes writes and pages of requests and of sessions together', async () => {
  const stage = await staged();
  for (const route of ['putState', 'deleteState', 'session.state.put', 'session.state.delete'] as const) {
    stage.answer(route, 90, OBSERVATIONS_MIN / 4);
  }
  assert.equal((await stage.row('storage')).state, 'watch');
  stage.answer('registry', 60, OBSERVATIONS_MIN / 2);
  stage.answer('session.registry', 60, OBSERVATIONS_MIN / 2);
  assert.equal((await stage.row('registry')).state, 'act');
});

test('a state began when it became what it is, and ends when the window has passed (CE1, CE3)', async () => {
  const stage = await staged();
  await stage.pass(60_000);
  for (let i = 0; i < OBSERVATIONS_MIN; i++) stage.eventAppends.observe(20);
  const before = timestamp(stage.clock.now() + SNAPSHOT_MS);
  await stage.pass(SNAPSHOT_MS);
  assert.deepEqual([(await stage.row('event_log')).state, (await stage.row('event_log')).since], ['act', before]);
  await stage.pass(WINDOW_MS - SNAPSHOT_MS);
  assert.deepEqual([(await stage.row('event_log')).state, (await stage.row('event_log')).since], ['act', before]);
  await stage.pass(SNAPSHOT_MS);
  const { value, state, since } = await stage.row('event_log');
  assert.deepEqual([value, state, since], [null, 'ok', timestamp(stage.clock.now())]);
});

test('shares of the processor are of all cores and of the window, and need one (CE1, CE2)', async () => {
  const stage = await staged();
  stage.source.processFigures.cpuMs = 5_000;
  assert.deepEqual(await stage.stateOf('server'), [0, 'ok']);
  stage.source.processFigures.cpuMs = 0;
  for (let passed = 0; passed < WINDOW_MS; passed += SNAPSHOT_MS) {
    stage.source.processFigures.cpuMs += 1.7 * SNAPSHOT_MS;
    stage.meter.hashes.observe(0.8 * SNAPSHOT_MS);
    await stage.pass(SNAPSHOT_MS);
  }
  assert.deepEqual(await stage.stateOf('server'), [85, 'act']);
  assert.deepEqual(await stage.stateOf('authentication'), [40, 'watch']);
  assert.match((await stage.row('server')).next_step, /cores/);
  assert.match((await stage.row('authentication')).next_step, /auth\.cache_ttl_ms/);
  await stage.pass(WINDOW_MS / 2);
  assert.deepEqual(await stage.stateOf('server'), [42.5, 'ok']);
});

test('bytes count with the largest of the window, and the server says whether it is the memory (CE1)', async () => {
  const stage = await staged();
  stage.source.processFigures.rssBytes = 900;
  stage.source.standingFigures.mailboxes = { depth: 1, bytes: 300, deepest: [] };
  stage.source.standingFigures.unappliedBytes = 100;
  await stage.pass(SNAPSHOT_MS);
  stage.source.processFigures.rssBytes = 100;
  stage.source.standingFigures.mailboxes = { depth: 0, bytes: 0, deepest: [] };
  stage.source.standingFigures.unappliedBytes = 0;
  await stage.pass(WINDOW_MS);
  assert.deepEqual(
    [await stage.stateOf('server'), await stage.stateOf('queues')],
    [
      [90, 'act'],
      [40, 'watch'],
    ],
  );
  assert.match((await stage.row('server')).next_step, /memory/);
  await stage.pass(SNAPSHOT_MS);
  assert.deepEqual(
    [await stage.stateOf('server'), await stage.stateOf('queues')],
    [
      [10, 'ok'],
      [0, 'ok'],
    ],
  );
});

test('leaves out a snapshot that fails, takes the next, and none after stop() (CW1)', async () => {
  const stage = await staged();
  const failure = new Error('the threads are gone');
  stage.source.failure = failure;
  await stage.pass(SNAPSHOT_MS);
  assert.deepEqual(stage.defects, [failure]);
  await assert.rejects(stage.watch.rows(), failure);
  stage.source.failure = undefined;
  stage.source.processFigures.rssBytes = 990;
  await stage.pass(SNAPSHOT_MS);
  stage.source.processFigures.rssBytes = 0;
  assert.deepEqual(await stage.stateOf('server'), [99, 'act']);
  stage.watch.stop();
  const { asked } = stage.source;
  await stage.pass(WINDOW_MS);
  assert.deepEqual([stage.source.asked, stage.clock.timers], [asked, 0]);
});

test('webhooks are measured by the share of the time that their slots are busy (CE1)', async () => {
  const stage = await staged();
  await stage.pass(SNAPSHOT_MS);
  stage.source.webhookFigures.busyMs = 0.9 * 100 * 2 * SNAPSHOT_MS;
  await stage.pass(SNAPSHOT_MS);
  assert.deepEqual(await stage.stateOf('webhooks'), [90, 'act']);
  const { next_step } = await stage.row('webhooks');
  assert.match(next_step, /webhooks\.in_flight_max/);
});

test('the trend is the later half of the window beside the earlier, by a tenth of the threshold (CE4)', async () => {
  const stage = await staged();
  const trendOf = async (component: Ceiling['component']) => (await stage.row(component)).trend;
  assert.equal(await trendOf('queues'), null, 'one snapshot is no trend');
  /** Half a window with this much in the queues, of a thousand, and answers that take this long. */
  const half = async (queued: number, ms: number, times = OBSERVATIONS_MIN): Promise<void> => {
    stage.source.standingFigures.unappliedBytes = queued;
    await stage.pass(WINDOW_MS / 2 - SNAPSHOT_MS);
    stage.answer('registry', ms, times);
    await stage.pass(SNAPSHOT_MS);
  };
  await half(100, 1);
  await half(300, 40);
  assert.deepEqual([await trendOf('queues'), await trendOf('registry')], ['rising', 'rising']);
  assert.equal((await stage.row('queues')).state, 'ok', 'a trend is no state');
  await half(300, 40);
  assert.deepEqual([await trendOf('queues'), await trendOf('registry')], ['steady', 'steady']);
  await half(0, 1);
  await stage.pass(SNAPSHOT_MS);
  assert.deepEqual([await trendOf('queues'), await trendOf('registry')], ['falling', 'falling']);
  await half(0, 1, OBSERVATIONS_MIN - 1);
  assert.equal(await trendOf('registry'), null, 'too few answers are none');
  assert.equal(await trendOf('storage'), null);
});
