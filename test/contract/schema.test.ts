import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendBatch, SendMessage } from '../../src/contract/message.js';
import { CreateOperator, RegisterAgent } from '../../src/contract/operator.js';
import { checker, type TSchema } from '../../src/contract/schema.js';

const item = { to: 'tab_x', content: 'hello' };

const refused: readonly (readonly [why: string, schema: TSchema, value: unknown, fault: string])[] = [
  ['null for an object', SendMessage, null, 'the body must be an object'],
  ['an array for an object', SendMessage, [], 'the body must be an object'],
  ['a missing member', SendMessage, { to: 'tab_x' }, 'content is missing'],
  ['a number for a text', SendMessage, { to: 'tab_x', content: 7 }, 'content must be a string'],
  ['null for a text', SendMessage, { to: null, content: 'x' }, 'to must be a string'],
  ['an empty content', SendMessage, { to: 'tab_x', content: '' }, 'content must not be empty'],
  ['an empty contact hash', CreateOperator, { contact_hash: '' }, 'contact_hash must not be empty'],
  ['an empty batch', SendBatch, { messages: [] }, 'messages must hold at least 1 item'],
  ['101 items', SendBatch, { messages: Array(101).fill(item) }, 'messages must hold at most 100 items'],
  ['one bad item', SendBatch, { messages: [item, { to: 'a', content: 3 }] }, 'messages[1].content must be a string'],
  ['a text for an item', SendBatch, { messages: [item, item, 'x'] }, 'messages[2] must be an object'],
  ['an item without recipient', SendBatch, { messages: [{ content: 'x' }] }, 'messages[0].to is missing'],
  [
    'no response',
    RegisterAgent,
    { verification_response: { challenge_id: 'x' } },
    'verification_response.response is missing',
  ],
];

for (const [why, schema, value, fault] of refused) {
  test(`refuses ${why} and names the member`, () => {
    const shape = checker(schema);
    assert.equal(shape.check(value), false);
    assert.equal(shape.fault(value), fault);
  });
}

test('ignores members that it does not know', () => {
  assert.equal(checker(SendMessage).check({ ...item, colour: 'red', constructor: 1 }), true);
  assert.equal(checker(CreateOperator).check({ contact_hash: 'x', toString: null }), true);
});

test('looks at no item of an array that is too long to say so', () => {
  let looks = 0;
  const look = (): undefined => {
    looks += 1;
  };
  const items = Array(101).fill(new Proxy({}, { get: look }));
  assert.equal(checker(SendBatch).fault({ messages: items }), 'messages must hold at most 100 items');
  assert.equal(looks, 0);
});

test('takes 1 and 100 items in a batch', () => {
  const shape = checker(SendBatch);
  assert.equal(shape.check({ messages: [item] }), true);
  assert.equal(shape.check({ messages: Array(100).fill(item) }), true);
});
