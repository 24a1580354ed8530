import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { factsOf, type Voice } from '../../../../src/actors/subject/compiler/facts.js';
import { sentencesIn } from '../../../../src/actors/subject/compiler/sentences.js';
import { foreign, stated, unstated } from './utterances.js';

const SAID_AT = Date.UTC(2023, 4, 8, 13, 56);

function found(said: string, voice: Voice = 'person'): readonly string[] {
  return [...factsOf(sentencesIn(said), voice, SAID_AT)].map(
    ({ slot, key, value }) => `${slot}${key === '' ? '' : `/${key}`}=${value}`,
  );
}

describe('facts', () => {
  test('has a table to be held to', () => {
    assert.ok(stated.length >= 100 && stated.length + unstated.length + foreign.length >= 200);
  });

  for (const [said, ...facts] of stated) {
    test(`finds what "${said}" states`, () => assert.deepEqual([...new Set(found(said))].sort(), facts.toSorted()));
  }

  for (const said of unstated) {
    test(`finds nothing in "${said.replaceAll('\n', ' ')}"`, () => assert.deepEqual(found(said), []));
  }

  for (const said of foreign) {
    test(`finds nothing false in "${said}"`, () => assert.deepEqual(found(said), []));
  }

  test('takes from an assistant what it confirms, and nothing that it says otherwise', () => {
    assert.deepEqual(found('Got it, you live in Berlin.', 'assistant'), ['place.home=Berlin']);
    assert.deepEqual(found("Thanks! I've noted that your email is bob@example.com.", 'assistant'), [
      'contact.email=bob@example.com',
    ]);
    assert.deepEqual(found("Noted. You're on the Pro plan.", 'assistant'), ['plan=Pro']);
    assert.deepEqual(found('You mentioned that you work at Globex.', 'assistant'), ['employer=Globex']);
    for (const said of [
      'You should live in Berlin.',
      'You live in Berlin.',
      'I am Claude, a helpful assistant.',
      'My name is Ava and I work at Acme Support.',
      'Got it, do you live in Berlin?',
      'Understood. If you live in Berlin, take the train.',
      'Great, I live in the cloud.',
      'Got it, you do not work at Acme.',
    ]) {
      assert.deepEqual(found(said, 'assistant'), [], said);
    }
  });
});
