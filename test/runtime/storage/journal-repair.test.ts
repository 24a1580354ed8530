// A journal that is damaged somewhere, and what a repair makes of it. The files are real: a repair moves them.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { type DiskFile, RealDisk } from '../../../src/runtime/storage/disk.js';
import { PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader, JournalDamage } from '../../../src/runtime/storage/group-reader.js';
import { SegmentCopy } from '../../../src/runtime/storage/journal-copy.js';
import { planRepair, type RepairPlan, repairJournal } from '../../../src/runtime/storage/journal-repair.js';
import { tornGroup, unreadableSegments } from '../../../src/runtime/storage/journal-survey.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../../src/runtime/storage/meta.js';
import { ReadOnlyDisk } from '../../../src/runtime/storage/read-only-disk.js';
import { SegmentLog } from '../../../src/runtime/storage/segment-log.js';
import { listSegments } from '../../../src/runtime/storage/segments.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import { batchOf, type Op } from '../record-batches.js';

const SEGMENT_BYTES = 6 * PAGE_BYTES;
const NOW_MS = Date.parse('2024-05-06T07:08:09.012Z');

const home = mkdtempSync(join(tmpdir(), 'troupe-repair-'));
after(() => rmSync(home, { recursive: true, force: true }));
let directories = 0;

/** Two events a group, so that group n begins after event 2n - 2. */
function recordsOf(number: number): Buffer {
  const value = Buffer.alloc((number * 1237) % 6000, number);
  const ops: Op[] = [1, 2].map(() => ({ kind: 'event', value: Buffer.from(`event of ${number}`) }));
  return Buffer.from(batchOf([{ slot: 0, epoch: 1, ops: [{ kind: 'put', key: Buffer.from('k'), value }, ...ops] }]));
}

function append(log: SegmentLog, from: number, to: number): void {
  for (let number = from; number <= to; number++) {
    const records = recordsOf(number);
    log.append({ number, seqBefore: number * 2 - 2 }, [records], records.length);
  }
}

interface Journal {
  readonly directory: string;
  readonly tables: MemoryStore;
}

/** Groups 1 to `last`, of which the tables hold those up to `applied`. */
function journalOf(last: number, applied: number): Journal {
  const directory = join(home, String(directories++));
  const log = new SegmentLog(new RealDisk(directory), SEGMENT_BYTES);
  append(log, 1, last);
  log.close();
  const tables = new MemoryStore();
  tables.commit((batch) => {
    writeMetaNumber(batch, ['applied'], applied);
    writeMetaNumber(batch, ['seq'], applied * 2);
  });
  return { directory, tables };
}

/** Flushes nothing while it is told so. */
class UnsteadyDisk extends RealDisk {
  isFailing = false;

  override create(name: string): DiskFile {
    const file = super.create(name);
    const flush = () => {
      if (this.isFailing) throw new Error('EIO');
      file.flush();
    };
    return {
      name,
      size: file.size,
      write: (bytes, length, at) => file.write(bytes, length, at),
      read: (into, at) => file.read(into, at),
      flush,
      close: () => file.close(),
    };
  }
}

/** Turns all bits of one byte. */
function damage({ directory }: Journal, name: string, at: number): void {
  const bytes = readFileSync(join(directory, name));
  bytes[at]! ^= 0xff;
  writeFileSync(join(directory, name), bytes);
}

function plan({ directory, tables }: Journal): RepairPlan | undefined {
  return planRepair(tables, new ReadOnlyDisk(directory));
}

/** The numbers of the groups that a start would apply; throws JournalDamage as a start does. */
function started({ directory }: Journal, applied: number): number[] {
  const reader = new GroupReader(new ReadOnlyDisk(directory), applied + 1);
  const found: number[] = [];
  try {
    for (let group = reader.nextToEnd(); group !== undefined; group = reader.nextToEnd()) {
      assert.ok(group.records.equals(recordsOf(group.number)), `group ${group.number} is another`);
      found.push(group.number);
    }
    return found;
  } finally {
    reader.close();
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/** Every file under a directory, by its name alone, as text. */
function filesIn(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(entries.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')]));
}

const someJournal = fc.record({
  last: fc.integer({ min: 1, max: 30 }),
  applied: fc.nat({ max: 30 }),
  file: fc.nat({ max: 100 }),
  at: fc.nat({ max: SEGMENT_BYTES - 1 }),
});

describe('a repair', () => {
  test('keeps every group before the damage, deletes nothing, and the journal goes on (JR1, JR2)', () => {
    let repaired = 0;
    fc.assert(
      fc.property(someJournal, ({ last, applied, file, at }) => {
        fc.pre(applied <= last);
        const journal = journalOf(last, applied);
        const names = readdirSync(journal.directory);
        damage(journal, names[file % names.length]!, at);
        const before = filesIn(journal.directory);
        const planned = plan(journal);
        assert.deepEqual(filesIn(journal.directory), before, 'a plan changes nothing');
        if (planned === undefined) {
          // A start goes through, and nothing is missing but the last group, which cannot be told from a torn one.
          assert.ok(started(journal, applied).length >= last - applied - 1);
          return;
        }
        repaired++;
        const kept = numbers(applied + 1, applied + planned.kept.length);
        const aside = repairJournal(journal.directory, planned, NOW_MS);
        assert.equal(aside, join(journal.directory, 'damaged-2024-05-06T07-08-09.012Z'));
        assert.deepEqual(readdirSync(aside).sort(), [...planned.segments].sort());
        const present = filesIn(journal.directory);
        for (const [name, bytes] of before) assert.equal(present.get(name), bytes, `${name} is gone or another`);
        assert.deepEqual(started(journal, applied), kept);
        assert.equal(plan(journal), undefined);

        const log = new SegmentLog(new RealDisk(journal.directory), SEGMENT_BYTES);
        const next = applied + kept.length + 1;
        append(log, next, next + 9);
        log.close();
        assert.deepEqual(started(journal, next - 1), numbers(next, next + 9));
      }),
      { numRuns: 150 },
    );
    assert.ok(repaired > 20, `only ${repaired} of the runs had something to repair`);
  });

  test('that is broken off among its moves can be done again, with the same outcome (JR3)', () => {
    fc.assert(
      fc.property(someJournal, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (chosen, moved) => {
        const { last, applied, file, at } = chosen;
        fc.pre(applied <= last);
        const journal = journalOf(last, applied);
        const names = readdirSync(journal.directory);
        damage(journal, names[file % names.length]!, at);
        const first = plan(journal);
        if (first === undefined) return;
        const copy = new SegmentCopy(new RealDisk(journal.directory), first.newSegment);
        for (const group of first.kept) copy.append(group);
        copy.end();
        const aside = join(home, String(directories++));
        new RealDisk(aside);
        first.segments.forEach((name, index) => {
          if (moved[index % moved.length]) renameSync(join(journal.directory, name), join(aside, name));
        });
        const second = plan(journal);
        if (second !== undefined) repairJournal(journal.directory, second, NOW_MS);
        assert.deepEqual(started(journal, applied), numbers(applied + 1, applied + first.kept.length));
      }),
      { numRuns: 150 },
    );
  });

  test('says which groups and events are lost, to the last of them', () => {
    const journal = journalOf(20, 3);
    const segments = listSegments(new ReadOnlyDisk(journal.directory)).begun;
    const hit = segments.find(({ firstGroup }) => firstGroup > 6)!;
    damage(journal, hit.name, PAGE_BYTES + 40);
    const first = hit.firstGroup;
    assert.throws(() => started(journal, 3), JournalDamage);
    const planned = plan(journal)!;
    assert.match(planned.problems.join(), new RegExp(`segment ${hit.name}, byte ${PAGE_BYTES}, where group ${first} `));
    assert.equal(planned.kept.length, first - 4);
    const lost = { first, last: 20, whole: 20 - first, firstEvent: first * 2 - 1, lastEvent: 40 };
    assert.deepEqual(planned.lost, lost);
  });

  test('does not take a group that was refused for the one that was written in its place (JS1)', () => {
    const directory = join(home, String(directories++));
    const disk = new UnsteadyDisk(directory);
    const log = new SegmentLog(disk, SEGMENT_BYTES);
    append(log, 1, 1);
    disk.isFailing = true;
    assert.throws(() => append(log, 2, 2), StorageError);
    disk.isFailing = false;
    append(log, 2, 4);
    log.close();
    const journal = { directory, tables: new MemoryStore() };
    assert.deepEqual(started(journal, 0), [1, 2, 3, 4]);
    const second = listSegments(new ReadOnlyDisk(directory)).begun.find(({ firstGroup }) => firstGroup === 2)!;
    damage(journal, second.name, PAGE_BYTES + 40);
    const planned = plan(journal)!;
    assert.deepEqual([planned.kept.length, planned.lost?.first], [1, 2]);
    repairJournal(directory, planned, NOW_MS);
    assert.deepEqual(started(journal, 0), [1]);
  });

  test('loses nothing when the damage lies in what the tables hold already', () => {
    const journal = journalOf(20, 0);
    const [segment] = listSegments(new ReadOnlyDisk(journal.directory)).begun;
    damage(journal, segment!.name, PAGE_BYTES + 40);
    journal.tables.commit((batch) => writeMetaNumber(batch, ['applied'], 1));
    assert.throws(() => started(journal, 1), JournalDamage);
    const planned = plan(journal)!;
    assert.deepEqual([planned.kept.length, planned.lost], [19, undefined]);
    repairJournal(journal.directory, planned, NOW_MS);
    assert.deepEqual(started(journal, 1), numbers(2, 20));
  });

  test('moves a segment aside whose first page is damaged, also where no start sees it', () => {
    const journal = journalOf(20, 3);
    const last = listSegments(new ReadOnlyDisk(journal.directory)).begun.at(-1)!;
    damage(journal, last.name, 16);
    assert.deepEqual(unreadableSegments(new ReadOnlyDisk(journal.directory)), [last.name]);
    const planned = plan(journal)!;
    assert.deepEqual([planned.kept.length, planned.lost], [last.firstGroup - 4, undefined]);
    assert.ok(planned.segments.includes(last.name));
  });
});

describe('the end of a journal', () => {
  test('is told to be torn when its last group is there in part, and only then', () => {
    const journal = journalOf(20, 3);
    const disk = new ReadOnlyDisk(journal.directory);
    assert.equal(tornGroup(disk, 21), undefined);
    const last = listSegments(disk).begun.at(-1)!;
    const bytes = readFileSync(join(journal.directory, last.name));
    const at = bytes.lastIndexOf(recordsOf(20));
    damage(journal, last.name, at + 5);
    assert.equal(plan(journal), undefined);
    assert.deepEqual(started(journal, 3), numbers(4, 19));
    assert.equal(tornGroup(disk, 20), 20);
  });
});
