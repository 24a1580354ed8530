// What is followed, and how much of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FinishedSpan, SpanSink } from '../../../src/transport/tracing/otlp-exporter.js';
import { TRACES_PER_S_MAX, Tracing } from '../../../src/transport/tracing/tracing.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

class Sink implements SpanSink {
  readonly spans: FinishedSpan[] = [];
  readonly counts = { exported: 0, failed: 0, dropped: 0 };

  add(span: FinishedSpan): void {
    this.spans.push(span);
  }

  lost(): void {
    assert.fail('nothing is lost here');
  }

  async close(): Promise<void> {
    // Nothing waits.
  }
}

describe('tracing', () => {
  test('begins so many traces in a second and no more, asked for or not (TG4)', () => {
    const clock = new ManualClock();
    const tracing = new Tracing(new Sink(), 1, clock);
    const begun = (count: number): number =>
      Array.from({ length: count }, (_, n) => tracing.begin(n % 2 === 0 ? PARENT : undefined)).filter(Boolean).length;
    assert.equal(begun(3 * TRACES_PER_S_MAX), TRACES_PER_S_MAX);
    clock.advance(999);
    assert.equal(begun(10), 0);
    clock.advance(1);
    assert.equal(begun(10), 10);
  });

  test('follows the share that was asked for, and what a client says of its own', () => {
    const clock = new ManualClock();
    const tracing = new Tracing(new Sink(), 0.25, clock);
    let followed = 0;
    for (let n = 0; n < 4_000; n++) {
      if (tracing.begin() !== undefined) followed++;
      clock.advance(100);
    }
    assert.ok(followed > 800 && followed < 1_200, `${followed} of 4,000`);
    clock.advance(1_000);
    assert.equal(tracing.begin(PARENT.replace(/1$/, '0')), undefined);
    const span = tracing.begin(PARENT);
    assert.deepEqual(Buffer.from(span!.mark.subarray(0, 16)).toString('hex'), 'a'.repeat(32));
    assert.deepEqual(Buffer.from(span!.parent!).toString('hex'), 'b'.repeat(16));
  });

  test('knows what is being done while it is, and not afterwards, also where it throws (TG3)', () => {
    const sink = new Sink();
    const tracing = new Tracing(sink, 1, new ManualClock());
    const [outer, inner] = [tracing.begin()!, tracing.begin()!];
    assert.equal(tracing.current(), undefined);
    tracing.within(outer, () => {
      tracing.within(inner, () => assert.equal(tracing.current(), inner.mark));
      assert.equal(tracing.current(), outer.mark);
    });
    assert.throws(() =>
      tracing.within(outer, () => {
        throw new Error('thrown on purpose');
      }),
    );
    assert.equal(tracing.current(), undefined);
    tracing.end(outer, 'sendMessage', 503);
    tracing.end(inner, 'health', 404);
    assert.deepEqual(
      sink.spans.map(({ name, failed }) => [name, failed]),
      [
        ['sendMessage', true],
        ['health', false],
      ],
    );
  });
});
