import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  contentHash,
  contentIn,
  type EventContent,
  REDACTED,
  type RemovalTarget,
  redactEvent,
} from '../src/redaction.js';

const id = fc.constantFrom('a', 'b');
const target: fc.Arbitrary<RemovalTarget> = fc.record({
  kind: fc.constantFrom('message' as const, 'key' as const),
  id,
});
const event: fc.Arbitrary<EventContent> = fc.oneof(
  fc.record({
    type: fc.constantFrom('message_sent', 'message_delivered'),
    data: fc.record({ message_id: id, content: fc.string(), content_length: fc.nat() }),
  }),
  fc.record({
    type: fc.constantFrom('state_written', 'state_deleted'),
    data: fc.record({ key: id, value: fc.string(), written_by: fc.string() }),
  }),
);

describe('a redacted event', () => {
  test('holds what it held but for the content, and says so (RD2)', () => {
    fc.assert(
      fc.property(event, target, (before, what) => {
        const content = contentIn(before, what);
        const after = redactEvent(before, what);
        assert.equal(after === undefined, content === undefined);
        if (after === undefined) return;
        const member = what.kind === 'message' ? 'content' : 'value';
        assert.deepEqual(after, { ...before, data: { ...before.data, [member]: REDACTED, redacted: true } });
        assert.equal(before.data[member], content, 'the one given is as it was');
      }),
    );
  });

  test('is not redacted again, and holds nothing any more (RD1)', () => {
    fc.assert(
      fc.property(event, target, (before, what) => {
        const after = redactEvent(before, what);
        if (after === undefined) return;
        assert.equal(redactEvent(after, what), undefined);
        assert.equal(contentIn(after, what), undefined);
      }),
    );
  });

  test('is one of the target alone: of the same kind, of the same name, and one that holds content', () => {
    const sent = { type: 'message_sent', data: { message_id: 'a', content: 'x' } };
    assert.notEqual(redactEvent(sent, { kind: 'message', id: 'a' }), undefined);
    assert.equal(redactEvent(sent, { kind: 'message', id: 'b' }), undefined);
    assert.equal(redactEvent(sent, { kind: 'key', id: 'a' }), undefined);
    assert.equal(redactEvent({ ...sent, type: 'message_delivered' }, { kind: 'message', id: 'a' }), undefined);
  });

  test('may have held nothing: an empty value is a value', () => {
    const written = { type: 'state_written', data: { key: 'k', value: '' } };
    assert.equal(contentIn(written, { kind: 'key', id: 'k' }), '');
    assert.equal(redactEvent(written, { kind: 'key', id: 'k' })?.data.value, REDACTED);
  });
});

test('the hash of a content is the SHA-256 of its UTF-8, in hex', () => {
  assert.equal(contentHash('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(contentHash(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
