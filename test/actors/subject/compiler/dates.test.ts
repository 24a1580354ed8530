import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { namedTimes } from '../../../../src/actors/subject/compiler/dates.js';
import { wordsOf } from '../../../../src/actors/subject/compiler/sentences.js';

/** A Monday. */
const SAID_AT = Date.UTC(2023, 4, 8, 13, 56);
const DAY_MS = 86_400_000;

function named(text: string, saidAt = SAID_AT): readonly string[] {
  return namedTimes(wordsOf(text), saidAt).map(({ from, to, label }) =>
    from === to ? `${from}: ${label}` : `${from} ${to}: ${label}`,
  );
}

const TABLE: readonly (readonly [string, ...string[]])[] = [
  ['today', '2023-05-08: 8 May 2023'],
  ['yesterday', '2023-05-07: 7 May 2023'],
  ['tomorrow night', '2023-05-09: 9 May 2023'],
  ['the day before yesterday', '2023-05-06: 6 May 2023'],
  ['last night', '2023-05-07: 7 May 2023'],
  ['this morning', '2023-05-08: 8 May 2023'],
  ['last Friday', '2023-05-05: 5 May 2023'],
  ['last Monday', '2023-05-01: 1 May 2023'],
  ['next Monday', '2023-05-15: 15 May 2023'],
  ['this Wednesday', '2023-05-10: 10 May 2023'],
  ['last week', '2023-05-01 2023-05-07: 1 to 7 May 2023'],
  ['next week', '2023-05-15 2023-05-21: 15 to 21 May 2023'],
  ['this past weekend', '2023-05-06 2023-05-07: 6 to 7 May 2023'],
  ['last month', '2023-04-01 2023-04-30: April 2023'],
  ['next year', '2024-01-01 2024-12-31: 2024'],
  ['last December', '2022-12-01 2022-12-31: December 2022'],
  ['two days ago', '2023-05-06: 6 May 2023'],
  ['a week ago', '2023-05-01 2023-05-07: 1 to 7 May 2023'],
  ['a couple of weeks ago', '2023-04-24 2023-04-30: 24 to 30 April 2023'],
  ['10 years ago', '2013-01-01 2013-12-31: 2013'],
  ['six months ago', '2022-11-01 2022-11-30: November 2022'],
  ['in three weeks', '2023-05-29 2023-06-04: 29 May to 4 June 2023'],
  ['in 2019', '2019-01-01 2019-12-31: 2019'],
  ['in March 2021', '2021-03-01 2021-03-31: March 2021'],
  ['in December', '2022-12-01 2022-12-31: December 2022'],
  ['June 3', '2023-06-03: 3 June 2023'],
  ['May 7th, 2020', '2020-05-07: 7 May 2020'],
  ['the 3rd of January 1999', '1999-01-03: 3 January 1999'],
  ['2024-02-29', '2024-02-29: 29 February 2024'],
  ['yesterday and last year', '2023-05-07: 7 May 2023', '2022-01-01 2022-12-31: 2022'],
  ['2023-02-29'],
  ['June 31'],
  ['I may go, and will march on'],
  ['version 2019'],
  ['room 12 of 30'],
  ['the last one, next to it'],
  ['999 years ago I counted 3 days'],
];

describe('named times', () => {
  for (const [text, ...times] of TABLE) {
    test(`tells when "${text}" is`, () => {
      const found = named(text);
      // A thousand years ago is a year too, if not one that anybody remembers.
      assert.deepEqual(text.startsWith('999') ? found.slice(1) : found, times);
    });
  }

  test('bears any instant and any words', () => {
    const word = fc.constantFrom(
      'last',
      'next',
      'week',
      'Friday',
      '3',
      'May',
      'in',
      'a',
      'ago',
      'days',
      'the',
      '2020',
      '99',
      'couple',
      'of',
      'night',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.integer({ min: -8e15, max: 8e15 }), (words, at) => {
        for (const { from, to, first, next } of namedTimes(wordsOf(words.join(' ')), at)) {
          assert.ok(from <= to || from.startsWith('-') || from.startsWith('+'), `${from} ${to}`);
          assert.ok(first < next && next <= words.length);
        }
      }),
    );
  });

  test('puts "last" before and "next" behind every day of the week', () => {
    for (let day = 0; day < 7; day++) {
      const today = SAID_AT + day * DAY_MS;
      for (const weekday of ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']) {
        const [last, next] = [`last ${weekday}`, `next ${weekday}`].map((text) =>
          Date.parse(namedTimes(wordsOf(text), today)[0]!.from),
        );
        const start = Math.floor(today / DAY_MS) * DAY_MS;
        assert.ok(last! < start && last! >= start - 7 * DAY_MS, `${weekday} before ${day}`);
        assert.ok(next! > start && next! <= start + 7 * DAY_MS, `${weekday} behind ${day}`);
      }
    }
  });
});
