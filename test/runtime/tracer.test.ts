// What a shard does for traces: by the batches that come and go.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Batch } from '../../src/runtime/batch.js';
import { decodeValue } from '../../src/runtime/codec.js';
import { MARK, SPANS, writeEnvelope, writeReply, writeTrace } from '../../src/runtime/envelope.js';
import { readBatch } from '../../src/runtime/envelope-reader.js';
import { Link, linkMemory } from '../../src/runtime/link.js';
import { MARK_BYTES, SPANS_WAITING_MAX, SpanIds, type TracedSpans, Tracer } from '../../src/runtime/tracer.js';
import { ManualClock } from './manual-clock.js';

const mark = (byte: number): Uint8Array => new Uint8Array(MARK_BYTES).fill(byte);

const outgoing = {
  slot: 1,
  kind: 1,
  key: 'k',
  message: 1,
  senderKind: 0,
  senderKey: '',
  correlation: 0,
  control: false,
  durability: 'durable',
  idempotency: undefined,
  chain: undefined,
  payload: Uint8Array.of(1, 2),
} as const;
const reply = { correlation: 7, fault: false, replayed: false, more: true, payload: Uint8Array.of(3) };

describe('what concerns traces between threads', () => {
  it('is a mark of what lies right behind it, and changes nothing in that', () => {
    const plain = new Batch();
    writeEnvelope(plain, outgoing);
    const batch = new Batch();
    writeEnvelope(batch, outgoing);
    writeTrace(batch, MARK, mark(1));
    const before = batch.used;
    writeEnvelope(batch, outgoing);
    assert.equal(batch.used - before, plain.used, 'an envelope is as long as without its mark');
    writeEnvelope(batch, outgoing);
    writeTrace(batch, MARK, mark(2));
    writeReply(batch, reply);
    writeReply(batch, reply);
    writeTrace(batch, SPANS, Uint8Array.of(0xc0));
    const seen: unknown[] = [];
    readBatch(Buffer.from(batch.take()), 1, {
      delivery: ({ envelope }, own) => seen.push(['delivery', envelope.message, own?.[0]]),
      reply: ({ correlation }, own) => seen.push(['reply', correlation, own?.[0]]),
      credit: () => assert.fail(),
      spans: (encoded) => seen.push(['spans', decodeValue(encoded)]),
    });
    assert.deepEqual(seen, [
      ['delivery', 1, undefined],
      ['delivery', 1, 1],
      ['delivery', 1, undefined],
      ['reply', 7, 2],
      ['reply', 7, undefined],
      ['spans', null],
    ]);
  });

  it('is not sent with what a link refuses', () => {
    const sent: ArrayBuffer[] = [];
    const link = new Link({ postMessage: (value) => sent.push(value as ArrayBuffer) }, linkMemory(), 0);
    const large = { ...outgoing, payload: new Uint8Array(40 * 1024 * 1024) };
    assert.deepEqual([link.send(large, mark(1)), link.send(large, mark(2)), link.send(outgoing)], [true, false, true]);
    link.flush();
    const marks: unknown[] = [];
    readBatch(Buffer.from(sent[0]!), 1, {
      delivery: (_delivery, own) => marks.push(own?.[0]),
      reply: () => assert.fail(),
      credit: () => assert.fail(),
    });
    assert.deepEqual(marks, [1, undefined]);
  });
});

describe('the tracer of a shard', () => {
  const commit = { kind: 'traced', mark: mark(1), of: 'toy.say', beganAt: 0 } as const;

  it('is off until a mark comes (TC1)', () => {
    const tracer = new Tracer(new ManualClock());
    const [said, envelope] = [{}, {}];
    tracer.follow(said);
    tracer.becomes(said, envelope);
    assert.deepEqual([tracer.isOn, tracer.markOf(said), tracer.markOf(envelope)], [false, undefined, undefined]);
    tracer.mark(said, mark(1));
    tracer.becomes(said, envelope);
    assert.deepEqual([tracer.isOn, tracer.markOf(envelope)], [true, mark(1)]);
  });

  it('keeps so many spans, counts what is lost, and tells both once (TC3)', () => {
    const tracer = new Tracer(new ManualClock());
    for (let i = 0; i < SPANS_WAITING_MAX + 5; i++) tracer.committed(commit, i === 0);
    const told = tracer.take() as TracedSpans;
    assert.deepEqual([told.spans.length, told.lost], [SPANS_WAITING_MAX, 5]);
    assert.deepEqual([told.spans[0]!.failed, told.spans[1]!.failed], [true, false]);
    assert.equal(tracer.take(), undefined);
    tracer.committed(commit, false);
    assert.equal(tracer.take()?.lost, 0);
  });

  it('gives each span an id of its own, within its trace and below its parent', () => {
    const tracer = new Tracer(new ManualClock());
    for (let i = 0; i < 100; i++) tracer.committed(commit, false);
    const { spans } = tracer.take() as TracedSpans;
    assert.equal(new Set(spans.map(({ id }) => Buffer.from(id).toString('hex'))).size, 100);
    for (const { trace, parent } of spans) {
      assert.equal(Buffer.concat([trace, parent]).compare(mark(1)), 0);
    }
    assert.notDeepEqual(new SpanIds().next(), new SpanIds().next(), 'also in two threads');
  });
});
