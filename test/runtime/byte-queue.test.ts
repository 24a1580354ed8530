import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteQueue } from '../../src/runtime/byte-queue.js';

type Step =
  | { readonly kind: 'write'; readonly bytes: number }
  | { readonly kind: 'release' | 'rewind'; readonly pieces: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), bytes: fc.constantFrom(1, 1_000, 90_000, 300_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('release' as const, 'rewind' as const),
      pieces: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

interface Piece {
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
  readonly fill: number;
}

describe('a byte queue', () => {
  it('keeps every piece as it was until it is passed at either end (BQ1)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const queue = new ByteQueue();
        let pieces: Piece[] = [];
        steps.forEach((one, number) => {
          if (one.kind === 'write') {
            const fill = (number % 255) + 1;
            queue.write(Uint8Array.of(fill), new Uint8Array(one.bytes).fill(fill));
            pieces.push({ chunk: queue.chunk, offset: queue.offset, length: one.bytes + 1, fill });
          } else if (one.kind === 'release') {
            pieces = pieces.slice(one.pieces);
            if (pieces.length === 0) queue.clear();
            else queue.release(pieces[0]!.chunk);
          } else {
            const dropped = pieces.splice(Math.max(0, pieces.length - one.pieces));
            if (dropped.length > 0) queue.rewind(dropped[0]!.chunk, dropped[0]!.offset);
          }
          for (const { chunk, offset, length, fill } of pieces) {
            const bytes = queue.bytes(chunk).subarray(offset, offset + length);
            assert.equal(bytes.length, length);
            assert.ok(bytes.equals(Buffer.alloc(length, fill)), `the piece at ${chunk}:${offset} was changed`);
          }
        });
      }),
    );
  });
});
