import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Scrubbing } from '../../src/runtime/scrubbing.js';
import { RealDisk } from '../../src/runtime/storage/disk.js';
import { GroupReader } from '../../src/runtime/storage/group-reader.js';
import { SegmentLog } from '../../src/runtime/storage/segment-log.js';
import { makeSegmentFile, wipeSegmentFile } from '../../src/runtime/storage/segments.js';

const folder = mkdtempSync(join(tmpdir(), 'troupe-scrubbing-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let directories = 0;

const SEGMENT_BYTES = 64 * 1024;
const SECRET = 'what must be nowhere';

/** A journal whose applier is played: it wipes and makes when it is told to. */
class Journal {
  readonly directory = join(folder, String(directories++));
  readonly disk = new RealDisk(this.directory);
  readonly log = new SegmentLog(this.disk, SEGMENT_BYTES);
  readonly asked: string[] = [];
  readonly answers: [ticket: number, ok: boolean][] = [];
  readonly scrubbing = new Scrubbing({
    log: this.log,
    wipe: (name) => this.asked.push(name),
    make: () => this.asked.push('make'),
    answer: (ticket, ok) => this.answers.push([ticket, ok]),
  });
  last = 0;

  append(text: string): void {
    const records = Buffer.alloc(3000, text);
    this.log.append({ number: ++this.last, seqBefore: 0 }, [records], records.length);
  }

  applied(upTo = this.last): void {
    this.log.release(upTo);
    this.scrubbing.released();
  }

  /** Does what it was asked; `ok` false: the disk refuses. */
  work(ok = true): void {
    for (let asked = this.asked.shift(); asked !== undefined; asked = this.asked.shift()) {
      if (asked !== 'make') {
        if (ok) wipeSegmentFile(this.disk, asked);
        this.scrubbing.wiped(asked, ok);
      } else if (ok) {
        const file = makeSegmentFile(this.disk, SEGMENT_BYTES);
        file.close();
        this.log.addSpare(file.name);
        this.scrubbing.spare(true);
      } else {
        this.scrubbing.spare(false);
      }
    }
  }

  get filesWithSecret(): number {
    return readdirSync(this.directory).filter((name) => readFileSync(join(this.directory, name)).includes(SECRET))
      .length;
  }
}

describe('scrubbing', () => {
  it('leaves in no file what was applied, whether its segment is spare, closed or in use (SC1)', () => {
    const journal = new Journal();
    for (let i = 0; i < 60; i++) journal.append(SECRET);
    journal.applied(30);
    assert.ok(journal.filesWithSecret >= 4);
    journal.scrubbing.begin(1);
    journal.work();
    assert.deepEqual(journal.answers, [], 'half of it is not in the tables');
    journal.append('later');
    journal.applied(59);
    journal.work();
    assert.deepEqual(journal.answers, []);
    journal.applied();
    journal.work();
    assert.deepEqual(journal.answers, [[1, true]]);
    assert.equal(journal.filesWithSecret, 0);
    journal.log.close();
  });

  it('keeps every group that is not in the tables, and takes more while it goes on', () => {
    const journal = new Journal();
    for (let i = 0; i < 40; i++) journal.append(SECRET);
    journal.applied(20);
    const reader = new GroupReader(journal.disk, 21);
    journal.scrubbing.begin(1);
    journal.append('a');
    journal.work();
    journal.append('b');
    const read: number[] = [];
    for (let group = reader.next(journal.last); group !== undefined; group = reader.next(journal.last)) {
      read.push(group.number);
    }
    assert.deepEqual(
      read,
      Array.from({ length: 22 }, (_, i) => 21 + i),
    );
    journal.applied();
    journal.work();
    journal.append('c');
    assert.equal(reader.next(journal.last)?.number, 43);
    reader.close();
    journal.log.close();
    const next = new SegmentLog(journal.disk, SEGMENT_BYTES);
    next.append({ number: 44, seqBefore: 0 }, [Buffer.from('d')], 1);
    const later = new GroupReader(journal.disk, 43);
    assert.deepEqual([later.nextToEnd()?.number, later.nextToEnd()?.number, later.nextToEnd()], [43, 44, undefined]);
    later.close();
    next.close();
  });

  it('of a journal without a spare has one made, before the one in use is closed', () => {
    const journal = new Journal();
    journal.append(SECRET);
    journal.applied();
    journal.scrubbing.begin(1);
    assert.deepEqual(journal.asked, ['make']);
    assert.equal(journal.log.segmentsInUse, 1);
    journal.work();
    assert.deepEqual(journal.answers, [[1, true]]);
    assert.equal(journal.filesWithSecret, 0);
    journal.log.close();
  });

  it('says so when the disk refuses, and does not use such a file again before it is wiped (SC1, SC2)', () => {
    const journal = new Journal();
    for (let i = 0; i < 60; i++) journal.append(SECRET);
    journal.applied();
    journal.scrubbing.begin(1);
    journal.work(false);
    assert.deepEqual(journal.answers, [[1, false]]);
    assert.ok(journal.filesWithSecret > 1);
    journal.scrubbing.begin(2);
    journal.work();
    assert.deepEqual(journal.answers, [
      [1, false],
      [2, true],
    ]);
    assert.equal(journal.filesWithSecret, 0);
    journal.log.close();
  });

  it('tells all who asked, and those who came while it went on of a round of their own', () => {
    const journal = new Journal();
    journal.append(SECRET);
    journal.applied();
    journal.scrubbing.begin(1);
    journal.append(SECRET);
    journal.scrubbing.begin(2);
    journal.scrubbing.begin(3);
    journal.applied();
    journal.work();
    journal.applied();
    journal.work();
    assert.deepEqual(journal.answers, [
      [1, true],
      [2, true],
      [3, true],
    ]);
    assert.equal(journal.filesWithSecret, 0);
    journal.log.close();
  });

  it('that waits for tables which cannot be written is told so', () => {
    const journal = new Journal();
    journal.append(SECRET);
    journal.scrubbing.begin(1);
    journal.work();
    assert.deepEqual(journal.answers, []);
    journal.scrubbing.stuck();
    assert.deepEqual(journal.answers, [[1, false]]);
    journal.applied();
    journal.scrubbing.begin(2);
    journal.work();
    assert.deepEqual(journal.answers, [
      [1, false],
      [2, true],
    ]);
    assert.equal(journal.filesWithSecret, 0);
    journal.log.close();
  });
});
