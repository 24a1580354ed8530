import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { readRecords, visitRecord } from './read-records.js';

type Op =
  | readonly ['put', number[], number[]]
  | readonly ['delete', number[]]
  | readonly ['event', number[]]
  | readonly ['rewrite', number, number[]]
  | readonly ['add', number, number, boolean];

const bytes = fc.array(fc.nat({ max: 255 }), { maxLength: 200 });
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.tuple(fc.constant('put' as const), bytes, bytes),
  fc.tuple(fc.constant('delete' as const), bytes),
  fc.tuple(fc.constant('event' as const), bytes),
  fc.tuple(fc.constant('rewrite' as const), fc.maxSafeInteger(), bytes),
  fc.tuple(fc.constant('add' as const), fc.nat({ max: 63 }), fc.maxSafeInteger(), fc.boolean()),
);
const record = fc.record(
  {
    slot: fc.nat({ max: 1023 }),
    epoch: fc.nat({ max: 0xffff_ffff }),
    ops: fc.array(op, { maxLength: 20 }),
  },
  { noNullPrototype: true },
);

describe('a commit record', () => {
  it('is read back as it was written, op by op, in a batch of many', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const batch = new Batch();
        const writer = new RecordWriter(batch);
        for (const { slot, epoch, ops } of records) {
          writer.begin();
          for (const one of ops) {
            if (one[0] === 'put') writer.put(Uint8Array.from(one[1]), Uint8Array.from(one[2]));
            else if (one[0] === 'delete') writer.delete(Uint8Array.from(one[1]));
            else if (one[0] === 'event') writer.event(Uint8Array.from(one[1]));
            else if (one[0] === 'rewrite') writer.rewrite(one[1], Uint8Array.from(one[2]));
            else writer.add(one[1], one[2], one[3]);
          }
          writer.end({ slot, epoch });
        }
        const read = readRecords(Buffer.from(batch.take())).map((view) => {
          const ops: Op[] = [];
          visitRecord(view, {
            put: (key, value) => ops.push(['put', [...key], [...value]]),
            delete: (key) => ops.push(['delete', [...key]]),
            event: (value) => ops.push(['event', [...value]]),
            add: (counter, delta, reserved) => ops.push(['add', counter, delta, reserved]),
            rewrite: (seq, value) => ops.push(['rewrite', seq, [...value]]),
          });
          return { slot: view.slot, epoch: view.epoch, ops };
        });
        assert.deepEqual(read, records);
      }),
    );
  });

  it('that is damaged is refused', () => {
    const batch = new Batch();
    const writer = new RecordWriter(batch);
    writer.begin();
    writer.put(Uint8Array.of(1), Uint8Array.of(2));
    writer.end({ slot: 1, epoch: 1 });
    const sound = Buffer.from(batch.take());
    const tooLong = Buffer.from(sound);
    tooLong.writeUInt32LE(sound.length + 1, 0);
    assert.throws(() => readRecords(tooLong));
    const unknownOp = Buffer.from(sound);
    unknownOp[12] = 99;
    const ignore = { put() {}, delete() {}, event() {}, add() {} };
    assert.throws(() => visitRecord(readRecords(unknownOp)[0]!, ignore));
  });
});
