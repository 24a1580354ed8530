// When an endpoint is left alone, and when something is tried again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delayAfter, doubling, JITTER_SHARE } from '../../../src/actors/endpoint/back-off.js';
import { Circuit } from '../../../src/actors/endpoint/circuit.js';

const BOUNDS = { failuresMax: 3, openMs: 100 };

test('opens after so many failures in a row, and not when one in between was delivered', () => {
  const circuit = new Circuit(BOUNDS, undefined);
  circuit.failed(0);
  circuit.failed(1);
  circuit.delivered();
  assert.equal(circuit.row, undefined, 'there is no row while nothing has failed (CI2)');
  circuit.failed(2);
  circuit.failed(3);
  assert.equal(circuit.state(3), 'closed');
  circuit.failed(4);
  assert.deepEqual([circuit.state(4), circuit.state(103), circuit.state(104)], ['open', 'open', 'trial']);
});

test('a trial that fails opens it again at once, and one that is delivered closes it (CI1)', () => {
  const circuit = new Circuit(BOUNDS, { failures: 3, openUntil: 100 });
  assert.equal(circuit.state(100), 'trial');
  circuit.failed(150);
  assert.deepEqual([circuit.state(151), circuit.openUntil], ['open', 250]);
  circuit.delivered();
  assert.deepEqual([circuit.state(151), circuit.row], ['closed', undefined]);
});

test('what fails late, while it is open, does not keep it open for longer', () => {
  const circuit = new Circuit(BOUNDS, { failures: 3, openUntil: 100 });
  circuit.failed(50);
  assert.equal(circuit.openUntil, 100);
});

test('is the same after a crash (CI2)', () => {
  const circuit = new Circuit(BOUNDS, undefined);
  for (let at = 0; at < 3; at++) circuit.failed(at);
  assert.deepEqual(new Circuit(BOUNDS, circuit.row).row, circuit.row);
});

test('each try waits twice as long as the one before, more or less, and after the last there is none', () => {
  const schedule = doubling(3, 1000);
  assert.deepEqual(schedule.delaysMs, [1000, 2000, 4000]);
  assert.equal(delayAfter(schedule, 2, 0.5), 2000);
  assert.equal(delayAfter(schedule, 3, 0), 4000 * (1 - JITTER_SHARE));
  assert.equal(delayAfter(schedule, 4, 0.5), undefined);
  assert.equal(delayAfter(doubling(0, 1000), 1, 0.5), undefined);
});
