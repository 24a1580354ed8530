import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  type ArchiveFile,
  lineOf,
  listArchives,
  readArchive,
  readArchiveHead,
  removeLeftOvers,
  writeArchive,
} from '../../src/archive/archive-file.js';
import type { ObservedEvent } from '../../src/contract/observe.js';

let directory = '';
const events: ObservedEvent[] = Array.from({ length: 50 }, (_, place) => ({
  seq: 11 + place,
  ts: '2025-01-31T12:00:00.000Z',
  type: 'message_sent',
  agent: place % 2 === 0 ? null : 'tab_é',
  data: { content: '\u2028 "quoted"\n', place },
}));

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'troupe-archive-'));
});
beforeEach(() => {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
});
after(() => rmSync(directory, { recursive: true, force: true }));

function written(): ArchiveFile {
  return writeArchive(directory, { first: 11, last: 60 }, events.map(lineOf));
}

describe('an archive', () => {
  test('is what it was made of, for us and for gzip, and says its range and checksum', () => {
    const file = written();
    assert.deepEqual(listArchives(directory), [file]);
    assert.deepEqual(readArchive(file), events);
    const lines = execFileSync('gzip', ['-dc', file.path], { encoding: 'utf8' });
    assert.deepEqual(
      lines
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
      events,
    );
    const { first, last, bytes, sha256 } = readArchiveHead(file);
    assert.deepEqual([first, last, bytes], [11, 60, Buffer.byteLength(lines)]);
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.match(file.path, /events-0000000000000011-0000000000000060\.jsonl\.gz$/);
  });

  test('is never written over', () => {
    const file = written();
    const bytes = readFileSync(file.path);
    assert.throws(written, /is there already/);
    assert.deepEqual(readFileSync(file.path), bytes);
    assert.deepEqual(readdirSync(directory).length, 1);
  });

  test('is refused by name where any of its bytes is another, or the last ones are missing (AF2)', () => {
    const file = written();
    const whole = readFileSync(file.path);
    // The time, the level and the system in the head of a gzip say nothing.
    const idle = new Set([4, 5, 6, 7, 8, 9]);
    for (let at = 0; at < whole.length; at++) {
      if (idle.has(at)) continue;
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x55;
      writeFileSync(file.path, bytes);
      assert.throws(() => readArchive(file), /events-.* is damaged/, `byte ${at}`);
    }
    for (const length of [0, 5, 12, 200, whole.length - 1]) {
      writeFileSync(file.path, whole.subarray(0, length));
      assert.throws(() => readArchive(file), /is damaged/, `${length} bytes`);
    }
    writeFileSync(file.path, whole);
    assert.deepEqual(readArchive(file), events);
  });

  test('is refused where it lacks an event, or has another order, however well it was written (AF2)', () => {
    const missing = events.with(20, events[21]!).map(lineOf);
    assert.throws(() => readArchive(writeArchive(directory, { first: 11, last: 60 }, missing)), /event 31 is missing/);
  });

  test('is renamed only in vain', () => {
    const file = written();
    const bytes = readFileSync(file.path);
    const path = join(directory, 'events-0000000000000012-0000000000000061.jsonl.gz');
    writeFileSync(path, bytes);
    const renamed = listArchives(directory).find((one) => one.first === 12)!;
    assert.throws(() => readArchive(renamed), /another range than its name/);
  });

  test('is told from whatever else lies there', () => {
    const file = written();
    for (const name of [
      'README',
      'events-1-2.jsonl.gz',
      'events-0000000000000009-0000000000000002.jsonl.gz',
      'events-0000000000000061-0000000000000070.jsonl.gz.77.new',
    ]) {
      writeFileSync(join(directory, name), 'x');
    }
    assert.deepEqual(listArchives(directory), [file]);
    removeLeftOvers(directory);
    assert.equal(readdirSync(directory).length, 4);
    assert.deepEqual(listArchives(join(directory, 'absent')), []);
  });
});
