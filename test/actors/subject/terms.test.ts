import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stemEnglish } from '../../../src/actors/subject/english-stem.js';
import { TERM_CHARS_MAX, TERMS_MAX, termsOf } from '../../../src/actors/subject/terms.js';
import { mixedText } from './recall-fixture.js';

test('the forms of an English word have one stem', () => {
  const families = [
    'walk walks walked walking',
    'go goes went gone going',
    'buy buys bought buying',
    'study studies studied studying',
    'happy happiness',
    'child children',
    'city cities',
    'hope hoped hoping',
    'hop hops hopped hopping',
    'adopt adopted adopting',
    'national nationality',
    'agree agreed agreeing',
  ];
  for (const family of families) {
    const stems = new Set(family.split(' ').map(stemEnglish));
    assert.equal(stems.size, 1, `${family}: ${[...stems].join(' ')}`);
  }
  assert.notEqual(stemEnglish('hoping'), stemEnglish('hopping'));
});

test('case, accents, possession and width make no difference, and stop words are no terms', () => {
  assert.deepEqual(termsOf("Müller's CAFÉ"), termsOf('muller cafe'));
  assert.deepEqual(termsOf('ＡＢＣ１２ ｷ'), termsOf('abc12 キ'));
  assert.deepEqual(termsOf('what is it that they would have been'), []);
});

test('scripts without spaces give pairs, other alphabets words without their endings, pictures themselves', () => {
  assert.deepEqual(termsOf('我在北京'), ['我在', '在北', '北京']);
  assert.deepEqual(termsOf('茶'), ['茶']);
  assert.deepEqual(termsOf('принтеры'), termsOf('принтеров'));
  for (const prefixed of ['الكتاب', 'والكتاب', 'بالكتاب', 'وكتاب'])
    assert.deepEqual(termsOf(prefixed), termsOf('كتاب'));
  assert.deepEqual(termsOf('وقت'), ['وقت']);
  assert.deepEqual(termsOf('🎉!'), ['🎉']);
  assert.deepEqual(termsOf('iPhone15を買う').slice(0, 1), ['iphone15']);
});

test('an identifier gives itself and its parts', () => {
  assert.deepEqual(termsOf('getUserName'), ['getusernam', 'user', 'name']);
  assert.deepEqual(termsOf('ERR_4012 INV-77'), ['err', '4012', 'inv', '77']);
});

test('any text gives bounded terms, the same each time (TE1, TE2)', () => {
  const hostile = [
    '',
    '\ud800',
    'a\udc00b\ud800',
    'a'.repeat(300_000),
    '字'.repeat(100_000),
    '\u0301'.repeat(100_000),
    'ab '.repeat(100_000),
    '\0'.repeat(1_000),
    `${'é'.repeat(70_000)} x`,
    '👩‍👩‍👧‍👦'.repeat(10_000),
  ];
  const check = (text: string): void => {
    const terms = termsOf(text);
    assert.ok(terms.length <= TERMS_MAX);
    assert.ok(terms.every((term) => term.length > 0 && term.length <= TERM_CHARS_MAX));
    assert.deepEqual(termsOf(text), terms);
  };
  for (const text of hostile) check(text);
  fc.assert(fc.property(fc.oneof(mixedText, fc.string({ unit: 'binary', maxLength: 200 })), check), { numRuns: 2_000 });
});
