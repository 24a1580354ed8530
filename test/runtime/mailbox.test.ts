import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Envelope, LOCAL } from '../../src/runtime/envelope.js';
import { CONTROL_CAPACITY, Mailbox } from '../../src/runtime/mailbox.js';

function envelope(bytes: number, control = false): Envelope {
  return {
    message: 0,
    payload: undefined,
    args: null,
    senderKind: 0,
    senderKey: '',
    correlation: 0,
    origin: LOCAL,
    control,
    durability: 'durable',
    idempotency: undefined,
    chain: undefined,
    bytes,
    attempts: 0,
  };
}

type Step =
  | { readonly kind: 'admit'; readonly bytes: number; readonly control: boolean }
  | { readonly kind: 'take' | 'put back' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('admit' as const), bytes: fc.nat({ max: 40 }), control: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('take' as const, 'put back' as const) }) },
);

describe('a mailbox', () => {
  it('keeps order in each lane, control before user, within its bounds (M1, M2, M3)', () => {
    fc.assert(
      fc.property(
        fc.record({ capacity: fc.integer({ min: 1, max: 80 }), bytesMax: fc.integer({ min: 1, max: 400 }) }),
        fc.array(step, { maxLength: 600, size: 'max' }),
        (bounds, steps) => {
          const mailbox = new Mailbox(bounds);
          const user: Envelope[] = [];
          const control: Envelope[] = [];
          let taken: Envelope | undefined;
          const bytes = () => [...user, ...control].reduce((sum, one) => sum + one.bytes, 0);
          for (const one of steps) {
            if (one.kind === 'admit') {
              const admitted = envelope(one.bytes, one.control);
              const fits =
                user.length < bounds.capacity && (user.length === 0 || bytes() + one.bytes <= bounds.bytesMax);
              assert.equal(mailbox.admit(admitted), one.control || fits ? 'accepted' : 'full');
              if (one.control) control.push(admitted);
              else if (fits) user.push(admitted);
            } else if (one.kind === 'take') {
              taken = mailbox.take();
              assert.equal(taken, control.length > 0 ? control.shift() : user.shift());
            } else if (taken !== undefined) {
              mailbox.putBack(taken);
              (taken.control ? control : user).unshift(taken);
              taken = undefined;
            }
            assert.equal(mailbox.depth, user.length + control.length);
            assert.equal(mailbox.bytes, bytes());
          }
        },
      ),
    );
  });

  it('admits one envelope larger than its bound of bytes when it is alone, and no second (M2)', () => {
    const mailbox = new Mailbox({ capacity: 10, bytesMax: 10 });
    assert.equal(mailbox.admit(envelope(100)), 'accepted');
    assert.equal(mailbox.admit(envelope(1)), 'full');
  });

  it('takes a control envelope however full it is, up to a bound (M3)', () => {
    const mailbox = new Mailbox({ capacity: 1, bytesMax: 1 });
    mailbox.admit(envelope(1));
    for (let i = 0; i < CONTROL_CAPACITY; i++) assert.equal(mailbox.admit(envelope(1, true)), 'accepted');
    assert.equal(mailbox.admit(envelope(1, true)), 'full');
  });
});
