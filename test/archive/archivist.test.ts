import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { listArchives, readArchive, rewriteArchive } from '../../src/archive/archive-file.js';
import { ARCHIVE_BYTES } from '../../src/archive/archivist.js';
import { auditEvents } from '../../src/audit/audit.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { EVENT_TABLE, eventRows, eventsOf } from '../../src/runtime/event-blocks.js';
import { applyTrim } from '../../src/runtime/event-trim.js';
import { decodeKey, encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { DAY_MS, KeptLog, lookOn } from './kept-log.js';

const kept: KeptLog[] = [];
after(() => {
  for (const { directory } of kept) rmSync(dirname(directory), { recursive: true, force: true });
});

function keptLog(): KeptLog {
  const log = new KeptLog();
  kept.push(log);
  return log;
}

function assertWhole(log: KeptLog): void {
  assert.deepEqual([...log.archived(), ...log.inTables()], log.events);
  assert.deepEqual(auditEvents(log.store).findings, []);
}

describe('the archivist', () => {
  test('leaves a log alone that is as it may be', async () => {
    const log = keptLog();
    log.log(500);
    assert.equal(await lookOn(log.archivist({ days: 1, bytes: 1_000_000 }), DAY_MS / 2), 1);
    assert.deepEqual([log.trimmed, existsSync(log.directory)], [0, false]);
  });

  test('archives the oldest while there is too much, and keeps the whole of it together (AV1, AV2)', async () => {
    const log = keptLog();
    const archivist = log.archivist({ bytes: 300_000 });
    for (let round = 0; round < 12; round++) {
      log.log(1_500);
      await lookOn(archivist);
      assertWhole(log);
    }
    const rows = log.store.range({ ...rangeOf([EVENT_TABLE]), limit: 10_000 });
    const bytes = rows.reduce((sum, { value }) => sum + value.length, 0);
    assert.ok(bytes <= 300_000, `${bytes} bytes are left`);
    assert.ok(bytes > 150_000, `only ${bytes} bytes are left`);
    assert.ok(listArchives(log.directory).length > 3);
    assert.equal((await archivist.look(Number.MAX_SAFE_INTEGER, 0)).bytes, bytes);
  });

  test('archives what is too old, some of it at a time, and nothing that is younger', async () => {
    const log = keptLog();
    const archivist = log.archivist({ days: 10 });
    for (let day = 0; day < 20; day++) log.log(100, day * DAY_MS);
    await lookOn(archivist, 10.2 * DAY_MS);
    assert.equal(log.trimmed, 0, 'within the slack of its age');
    await lookOn(archivist, 15.5 * DAY_MS);
    assert.equal(log.trimmed, 600);
    assertWhole(log);
    assert.deepEqual(
      listArchives(log.directory).map(({ first, last }) => [first, last]),
      [[1, 600]],
    );
    await lookOn(archivist, 100 * DAY_MS);
    assert.deepEqual([log.trimmed, log.inTables()], [2_000, []]);
    assertWhole(log);
    log.log(10, 99 * DAY_MS);
    assertWhole(log);
  });

  test('divides what is large into files (AV5)', async () => {
    const log = keptLog();
    for (let group = 0; group < 5; group++) log.log(500, 0, 10_000);
    await lookOn(log.archivist({ days: 1 }), 3 * DAY_MS);
    const files = listArchives(log.directory);
    assert.ok(files.length >= 3);
    for (const file of files) assert.ok((file.last - file.first) * 10_000 < ARCHIVE_BYTES * 1.1);
    assertWhole(log);
  });

  test('takes nothing out behind the floor, and goes on when it rises (AV3)', async () => {
    const log = keptLog();
    for (let group = 0; group < 20; group++) log.log(100);
    const archivist = log.archivist({ days: 1 });
    const held = await archivist.look(0, 3 * DAY_MS);
    assert.deepEqual([held.isHeld, held.isMore, log.trimmed], [true, false, 0]);
    await lookOn(archivist, 3 * DAY_MS, 1_050);
    assert.equal(log.trimmed, 1_000);
    assert.equal((await archivist.look(1_050, 3 * DAY_MS)).isHeld, true);
    await lookOn(archivist, 3 * DAY_MS);
    assert.equal(log.trimmed, 2_000);
    assertWhole(log);
  });

  for (const slices of [0, 1, 3]) {
    test(`goes on where a former life ended, with a file written and ${slices} slices taken out (AV2)`, async () => {
      const log = keptLog();
      for (let group = 0; group < 200; group++) log.log(60);
      let left = slices;
      const dying = log.archivist({ days: 1 }, (slice) => {
        if (left-- === 0) throw new Error('killed');
        const { trimmed } = log;
        log.store.commit((batch) => applyTrim(batch, slice, trimmed, log.last));
        return Promise.resolve({ kind: 'trimmed', upTo: slice.upTo });
      });
      await assert.rejects(lookOn(dying, 3 * DAY_MS), /killed/);
      assert.ok(log.trimmed < log.last);
      writeFileSync(join(log.directory, 'events-0000000000099999-x.jsonl.gz.17.new'), 'half');
      // Meanwhile somebody took back what was said in the last of them.
      const { key, value } = log.store.range({ ...rangeOf([EVENT_TABLE]), limit: 1, reverse: true })[0]!;
      const row = eventsOf(Number(decodeKey(key)[1]), value);
      const taken = encodeValue([0, log.events.at(-1)!.type, log.events.at(-1)!.agent, { text: 'taken back' }]);
      const [rewritten] = eventRows(row[0]!.seq, [...row.slice(0, -1).map((event) => event.value), taken]);
      log.store.commit((batch) => batch.put(encodeKey(rewritten!.key), rewritten!.value));
      log.events.splice(-1, 1, { ...log.events.at(-1)!, data: { text: 'taken back' } });
      await lookOn(log.archivist({ bytes: 1, days: 1 }), 3 * DAY_MS);
      assert.deepEqual([log.trimmed, log.inTables()], [log.last, []]);
      assertWhole(log);
      assert.deepEqual(
        readdirSync(log.directory).filter((name) => name.endsWith('.new')),
        [],
      );
    });
  }

  test('says what the applier refuses, and goes on at the next look', async () => {
    const log = keptLog();
    log.log(100);
    let isRefused = true;
    const archivist = log.archivist({ days: 1 }, (slice) => {
      if (isRefused) return Promise.resolve({ kind: 'refused', reason: 'the disk is full' });
      const { trimmed } = log;
      log.store.commit((batch) => applyTrim(batch, slice, trimmed, log.last));
      return Promise.resolve({ kind: 'trimmed', upTo: slice.upTo });
    });
    await assert.rejects(archivist.look(1_000, 3 * DAY_MS), /the disk is full/);
    isRefused = false;
    await lookOn(archivist, 3 * DAY_MS);
    assert.equal(log.trimmed, 100);
    assertWhole(log);
  });

  test('leaves everything where it is when the archives are of another log (AV4)', async () => {
    const [mine, other] = [keptLog(), keptLog()];
    for (let group = 0; group < 4; group++) {
      mine.log(100, 1);
      other.log(100, 2);
    }
    await lookOn(other.archivist({ days: 1 }), 3 * DAY_MS);
    const before = other.archived();
    const archivist = Object.assign(mine, { directory: other.directory }).archivist({ days: 1 });
    await assert.rejects(archivist.look(10_000, 3 * DAY_MS), /is not of this event log/);
    assert.deepEqual([mine.trimmed, mine.inTables().length], [0, 400]);
    assert.deepEqual(other.archived(), before);
  });

  test('says what the disk refuses, and takes nothing out', async () => {
    const log = keptLog();
    log.log(100);
    mkdirSync(dirname(log.directory), { recursive: true });
    writeFileSync(log.directory, 'a file where the archives should be');
    const archivist = log.archivist({ days: 1 });
    await assert.rejects(archivist.look(1_000, 3 * DAY_MS), /ENOTDIR|EEXIST/);
    assert.equal(log.trimmed, 0);
    rmSync(log.directory);
    await lookOn(archivist, 3 * DAY_MS);
    assertWhole(log);
  });

  test('stops between two slices, and nothing is lost by it', async () => {
    const log = keptLog();
    for (let group = 0; group < 300; group++) log.log(60);
    const archivist = log.archivist({ days: 1 }, (slice) => {
      const { trimmed } = log;
      log.store.commit((batch) => applyTrim(batch, slice, trimmed, log.last));
      archivist.stop();
      return Promise.resolve({ kind: 'trimmed', upTo: slice.upTo });
    });
    assert.equal((await archivist.look(100_000, 3 * DAY_MS)).isMore, false);
    assert.ok(log.trimmed > 0 && log.trimmed < log.last);
    await lookOn(log.archivist({ days: 1 }), 3 * DAY_MS);
    assertWhole(log);
  });

  test('lets the content of an archived event be changed, and nothing else', async () => {
    const log = keptLog();
    for (let group = 0; group < 3; group++) log.log(100);
    await lookOn(log.archivist({ days: 1 }), 3 * DAY_MS);
    const [file] = listArchives(log.directory);
    assert.equal(
      rewriteArchive(file!, (event) => event),
      0,
    );
    const redacted = { text: 'taken back' };
    assert.equal(
      rewriteArchive(file!, (event) => (event.seq === 42 ? { ...event, data: redacted } : event)),
      1,
    );
    assert.deepEqual(readArchive(file!)[41]!.data, redacted);
    log.events[41] = { ...log.events[41]!, data: redacted };
    assertWhole(log);
    assert.throws(() => rewriteArchive(file!, (event) => ({ ...event, seq: event.seq + 1 })), /keeps its number/);
    assertWhole(log);
  });
});
