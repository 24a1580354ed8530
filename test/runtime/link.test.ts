import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Outgoing } from '../../src/runtime/envelope.js';
import { readBatch } from '../../src/runtime/envelope-reader.js';
import { LINK_BYTES_MAX, Link, linkMemory } from '../../src/runtime/link.js';

function outgoing(correlation: number, payload: Uint8Array): Outgoing {
  return {
    slot: 0,
    kind: 0,
    key: 'k',
    message: 0,
    senderKind: 0,
    senderKey: '',
    correlation,
    control: false,
    durability: 'durable',
    idempotency: undefined,
    chain: undefined,
    payload,
  };
}

function pair(memory = linkMemory()) {
  const posted: ArrayBuffer[] = [];
  const here = new Link({ postMessage: (batch) => posted.push(batch as ArrayBuffer) }, memory, 0);
  const there = new Link({ postMessage: assert.fail }, memory, 1);
  return { here, there, posted };
}

/** What arrived: the correlation and the bytes of each. */
function arrived(posted: ArrayBuffer[]): { correlation: number; bytes: number }[] {
  const read: { correlation: number; bytes: number }[] = [];
  for (const batch of posted.splice(0)) {
    readBatch(Buffer.from(batch), 0, {
      delivery: ({ envelope }) => read.push(envelope),
      reply: ({ correlation }) => read.push({ correlation, bytes: 0 }),
      credit: ({ correlation }) => read.push({ correlation, bytes: 0 }),
    });
  }
  return read;
}

describe('a link', () => {
  it('delivers in the order of sending, in as many batches as there were flushes (L1)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('send', 'answer', 'allow', 'flush'), { maxLength: 200 }), (steps) => {
        const { here, posted } = pair();
        let sent = 0;
        for (const step of steps) {
          if (step === 'flush') here.flush();
          else if (step === 'send') assert.equal(here.send(outgoing(++sent, Uint8Array.of(1))), true);
          else if (step === 'allow') here.allow({ correlation: ++sent, items: 1 });
          else
            here.answer({ correlation: ++sent, fault: false, replayed: false, more: false, payload: Uint8Array.of(1) });
        }
        here.flush();
        assert.deepEqual(
          arrived(posted).map(({ correlation }) => correlation),
          Array.from({ length: sent }, (_, i) => i + 1),
        );
      }),
    );
  });

  it('refuses past its bound, takes again what was credited, and never refuses an answer (L2, L3)', () => {
    const { here, there, posted } = pair();
    const payload = new Uint8Array(1024 * 1024);
    let sent = 0;
    while (here.send(outgoing(sent + 1, payload))) {
      sent++;
      here.flush();
    }
    assert.ok(sent >= 63 && here.inFlightBytes <= LINK_BYTES_MAX);
    here.answer({ correlation: 99, fault: false, replayed: false, more: false, payload });
    here.flush();
    const [first] = arrived(posted);
    there.credit(first!.bytes);
    assert.equal(here.send(outgoing(1, payload)), false, 'credit counts when it is flushed');
    there.flush();
    assert.equal(here.send(outgoing(1, payload)), true);
    assert.equal(here.send(outgoing(1, payload)), false);
  });

  it('takes one envelope larger than its bound when nothing else is on its way (L2)', () => {
    const { here } = pair();
    assert.equal(here.send(outgoing(1, new Uint8Array(LINK_BYTES_MAX + 1))), true);
    assert.equal(here.send(outgoing(2, Uint8Array.of(1))), false);
  });
});
