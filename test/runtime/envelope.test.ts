import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../src/runtime/batch.js';
import {
  type Credit,
  type Delivery,
  ENVELOPE_HEADER_BYTES,
  envelopeBytes,
  type Outgoing,
  type Reply,
  writeCredit,
  writeEnvelope,
  writeReply,
} from '../../src/runtime/envelope.js';
import { type EnvelopeVisitor, readBatch } from '../../src/runtime/envelope-reader.js';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 });
const u32 = fc.nat({ max: 0xffff_ffff });

const outgoing: fc.Arbitrary<Outgoing> = fc
  .record({
    slot: fc.nat({ max: 1023 }),
    kind: fc.nat({ max: 255 }),
    key: text,
    message: fc.nat({ max: 0xffff }),
    senderKind: fc.nat({ max: 254 }),
    senderKey: text,
    correlation: u32,
    control: fc.boolean(),
    durability: fc.constantFrom('volatile', 'committed', 'durable'),
    idempotency: fc.option(fc.record({ scope: text, key: text, fingerprint: text }, { noNullPrototype: true }), {
      nil: undefined,
    }),
    chain: fc.option(fc.array(text, { minLength: 1, maxLength: 5 }), { nil: undefined }),
    payload: bytes,
  })
  .map((item) => (item.senderKind === 0 ? { ...item, senderKey: '' } : item));
const reply: fc.Arbitrary<Reply> = fc.record({
  correlation: u32,
  fault: fc.boolean(),
  replayed: fc.boolean(),
  more: fc.boolean(),
  payload: bytes,
});
const credit: fc.Arbitrary<Credit> = fc.record({ correlation: u32, items: fc.nat({ max: 0xffff }) });

type Read = { readonly delivery: Delivery } | { readonly reply: Reply } | { readonly credit: Credit };

/** When the batch came. */
const STAMP = 77;

function readAll(batch: Buffer, origin: number): Read[] {
  const read: Read[] = [];
  const visitor: EnvelopeVisitor = {
    delivery: (delivery) => read.push({ delivery }),
    reply: (came) => read.push({ reply: came }),
    credit: (came) => read.push({ credit: came }),
  };
  readBatch(batch, origin, visitor, STAMP);
  return read;
}

/** Only what was written, with plain bytes. */
function plain(read: Read): unknown {
  if ('credit' in read) return read.credit;
  if ('reply' in read) return { ...read.reply, payload: [...read.reply.payload] };
  const { slot, kind, key, envelope } = read.delivery;
  return { slot, kind, key, ...envelope, payload: [...envelope.payload!] };
}

describe('an envelope', () => {
  it('is read back as it was written, whatever lies before and behind it in the batch (E1)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(outgoing, reply, credit), { maxLength: 30 }),
        fc.nat({ max: 50 }),
        (items, origin) => {
          const batch = new Batch();
          const lengths = items.map((item) => {
            if ('items' in item) return writeCredit(batch, item);
            if (!('slot' in item)) return writeReply(batch, item);
            const length = writeEnvelope(batch, item);
            assert.ok(length <= envelopeBytes(item), 'more was written than was told');
            return length;
          });
          const read = readAll(Buffer.from(batch.take()), origin).map(plain);
          const expected = items.map((item, index) => {
            if ('items' in item) return { ...item };
            const payload = [...item.payload];
            if (!('slot' in item)) return { ...item, payload };
            return { ...item, payload, args: undefined, origin, bytes: lengths[index], stamp: STAMP, attempts: 0 };
          });
          assert.deepEqual(read, expected);
          assert.equal(batch.used, 0);
        },
      ),
    );
  });

  it('whose lengths do not fit the batch or itself is refused, never read past (E2)', () => {
    const batch = new Batch();
    writeEnvelope(batch, {
      slot: 1,
      kind: 0,
      key: 'key',
      message: 0,
      senderKind: 0,
      senderKey: '',
      correlation: 1,
      control: false,
      durability: 'durable',
      idempotency: undefined,
      chain: undefined,
      payload: Uint8Array.of(1, 2, 3),
    });
    const sound = Buffer.from(batch.take());
    const spoil = (change: (copy: Buffer) => void) => {
      const copy = Buffer.from(sound);
      change(copy);
      return () => readAll(copy, 0);
    };
    assert.equal(readAll(sound, 0).length, 1);
    assert.throws(spoil((copy) => copy.writeUInt32LE(sound.length + 1, 0)));
    assert.throws(spoil((copy) => copy.writeUInt32LE(ENVELOPE_HEADER_BYTES - 1, 0)));
    assert.throws(spoil((copy) => copy.writeUInt16LE(7, 10)));
    assert.throws(spoil((copy) => copy.writeUInt16LE(7, 22)));
  });
});
