import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { endHistory, openHistory } from '../../../src/runtime/storage/history.js';

describe('the history of a data directory', () => {
  let directory = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'troupe-history-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('keeps its name from start to start (HI1)', () => {
    const name = openHistory(directory);
    assert.match(name, /^[0-9a-f]{32}$/);
    assert.equal(openHistory(directory), name);
  });

  test('has another name once it was ended, and keeps that one (HI2)', () => {
    const name = openHistory(directory);
    endHistory(directory);
    const next = openHistory(directory);
    assert.notEqual(next, name);
    assert.equal(openHistory(directory), next);
  });

  test('has a new name where the file was torn', () => {
    const name = openHistory(directory);
    writeFileSync(join(directory, 'history'), name.slice(0, 9));
    assert.match(openHistory(directory), /^[0-9a-f]{32}$/);
    assert.notEqual(openHistory(directory), name);
  });
});
