// The end of a journal that is written while it is read. The writer works in between any two operations of the reader.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { GROUP_HEADER_BYTES, PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { JournalDamage } from '../../../src/runtime/storage/group-reader.js';
import { readTail, type Tail } from '../../../src/runtime/storage/journal-tail.js';
import { SegmentLog } from '../../../src/runtime/storage/segment-log.js';
import { listSegments } from '../../../src/runtime/storage/segments.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import { Random } from '../../fuzz/random.js';
import { RecordingDisk } from './recording-disk.js';

const SEGMENT_BYTES = 6 * PAGE_BYTES;
/** As much of the writer's work as can lie between two operations of the reader. */
const STEPS_AT_ONCE_MAX = 12;

/** A journal and how far its tables are, as a running server changes them. */
class Writer {
  readonly disk: RecordingDisk;
  readonly #log: SegmentLog;
  readonly #random: Random;
  durable = 0;
  applied = 0;
  #busy = false;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.disk = new RecordingDisk(this.#random);
    this.#log = new SegmentLog(this.disk, SEGMENT_BYTES);
  }

  append(): void {
    this.#append('group');
    this.durable++;
  }

  /** Some steps of its own choice. */
  work(stepsMax: number): void {
    for (let left = this.#random.below(stepsMax + 1); left > 0; left--) {
      const choice = this.#random.below(8);
      if (choice === 0) this.refuse();
      else if (choice < 3) this.apply(this.applied + this.#random.below(this.durable - this.applied + 1));
      else this.append();
    }
  }

  apply(applied: number): void {
    this.applied = applied;
    this.#log.release(applied);
  }

  /** The disk writes the next group, and does not flush it. */
  refuse(): void {
    this.disk.faultOf = ({ kind }) => (kind === 'flush' ? { code: 'EIO' } : undefined);
    assert.throws(() => this.#append('refused'), StorageError);
    this.disk.faultOf = () => undefined;
  }

  /** Works while this reads, `rounds` times at most. */
  during<T>(rounds: number, read: () => T): T {
    let left = rounds;
    const between = () => {
      if (this.#busy || left === 0 || !this.#random.oneIn(2)) return undefined;
      left--;
      this.#busy = true;
      this.work(STEPS_AT_ONCE_MAX);
      this.#busy = false;
      this.disk.faultOf = between;
      return undefined;
    };
    this.disk.faultOf = between;
    try {
      return read();
    } finally {
      this.disk.faultOf = () => undefined;
    }
  }

  #append(what: string): void {
    const records = recordsOf(what, this.durable + 1, this.#random.below(2 * PAGE_BYTES));
    this.#log.append({ number: this.durable + 1, seqBefore: this.durable * 10 }, [records], records.length);
  }
}

function recordsOf(what: string, number: number, bytes: number): Buffer {
  return Buffer.from(`${what} ${number} `.padEnd(Math.max(20, bytes), '.'));
}

interface Reading extends Tail {
  readonly taken: readonly string[];
}

function read(writer: Writer): Reading {
  let taken: string[] = [];
  const tail = readTail(writer.disk, {
    begin() {
      taken = [];
      return writer.applied;
    },
    take: ({ number, seqBefore, records }) => {
      assert.equal(seqBefore, (number - 1) * 10);
      taken.push(records.toString().replace(/ \.*$/, ''));
    },
  });
  return { ...tail, taken };
}

function groups(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `group ${from + i}`);
}

describe('the tail of a journal', () => {
  test('is every group after the tables, and nothing refused but for the last (TL1, TL2, TL3)', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat({ max: 40 }), fc.nat({ max: 12 }), (seed, before, rounds) => {
        const writer = new Writer(seed);
        writer.append();
        writer.work(before);
        const durableBefore = writer.durable;
        const { applied, last, damage, taken } = writer.during(rounds, () => read(writer));
        assert.equal(damage, undefined);
        const expected = groups(applied + 1, last);
        if (taken.at(-1) === `refused ${last}`) expected[expected.length - 1] = `refused ${last}`;
        assert.deepEqual(taken, expected);
        assert.ok(Math.max(last, writer.applied) >= durableBefore, `${durableBefore} is neither taken nor applied`);
      }),
      { numRuns: 1500, examples: [[-25, 5, 6]] },
    );
  });

  test('is empty where there is no journal, and where everything is in the tables', () => {
    const writer = new Writer(1);
    assert.deepEqual(read(writer), { applied: 0, last: 0, damage: undefined, taken: [] });
    for (let i = 0; i < 9; i++) writer.append();
    writer.apply(9);
    assert.deepEqual(read(writer), { applied: 9, last: 9, damage: undefined, taken: [] });
  });

  test('is read past a file that its writer removes between the look at the names and at the files', () => {
    const writer = new Writer(3);
    for (let i = 0; i < 9; i++) writer.append();
    const { begun } = listSegments(writer.disk);
    writer.apply(begun[1]!.firstGroup - 1);
    writer.disk.faultOf = (operation) => {
      if (operation.kind === 'open' && operation.name === begun[0]!.name) writer.disk.remove(operation.name);
      return undefined;
    };
    assert.deepEqual(listSegments(writer.disk).begun, begun.slice(1));
    assert.equal(read(writer).last, 9);
  });

  test('ends before damage, which is named (TL3)', () => {
    const writer = new Writer(2);
    for (let i = 0; i < 9; i++) writer.append();
    writer.apply(2);
    const { begun } = listSegments(writer.disk);
    const segment = begun.find(({ firstGroup }) => firstGroup > 4)!;
    writer.disk.overwrite(segment.name, Buffer.from('x'), PAGE_BYTES + GROUP_HEADER_BYTES);
    const { last, damage, taken } = read(writer);
    assert.ok(damage instanceof JournalDamage);
    assert.deepEqual([damage.segment, damage.group], [segment.name, segment.firstGroup]);
    assert.equal(last, segment.firstGroup - 1);
    assert.deepEqual(taken, groups(3, last));
  });
});
