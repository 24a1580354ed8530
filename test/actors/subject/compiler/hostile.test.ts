// Texts that are made to be slow. Each is compared, in processor time, with an ordinary text of the same size in the same run. What
// backtracks would not end at all at these sizes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileHeuristically } from '../../../../src/actors/subject/compiler/heuristic.js';
import { episode, ids, START } from './episodes.js';

const TEXT_CHARS = 256 * 1024;
const BODY_CHARS = 2 * 1024 * 1024;
/** The slowest measured takes 2.4 times; what is quadratic, thousands. */
const TIMES_MAX = 25;
const ORDINARY = 'We walked along the river and talked about the weather. ';

const HOSTILE: Readonly<Record<string, string>> = {
  'one letter': 'a',
  spaces: ' ',
  'empty lines': '\n',
  'quotation marks': '"',
  brackets: '[[[](',
  'full stops': '.',
  apostrophes: "i'm ",
  'openings of statements': 'I work at ',
  possessives: 'my my ',
  'lists in lists': '- a\n',
  numbers: '1. a\n',
  announcements: 'steps:\n- a\n',
  sequences: 'First, a, then b, then ',
  dates: 'last last May 3 2 days ',
  addresses: 'https://',
  mails: 'a@',
  tickets: '#1 A-1 AB-12 ',
  fences: '```\n',
  'lone surrogates': '\ud83d',
  'combining marks': 'e\u0301\u0301\u0301',
  'no spaces': '我在北京工作。',
  facts: 'I like a1. ',
  digits: 'call me at 1 1 1 1 ',
};

function fill(unit: string, chars: number): string {
  return unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);
}

function processorMs(text: string): number {
  const before = process.cpuUsage();
  const { created } = compileHeuristically([episode('e1', { text })], [], { nowMs: START, newId: ids() });
  const { user, system } = process.cpuUsage(before);
  assert.ok(created.length >= 1);
  for (const { content } of created) assert.ok(content.length <= 4_000);
  return (user + system) / 1_000;
}

describe('hostile text', () => {
  const ordinaryMs = Math.min(processorMs(fill(ORDINARY, TEXT_CHARS)), processorMs(fill(ORDINARY, TEXT_CHARS)));

  for (const [name, unit] of Object.entries(HOSTILE)) {
    test(`takes as long as talk of its size: ${name} (F2)`, () => {
      const times = processorMs(fill(unit, TEXT_CHARS)) / ordinaryMs;
      assert.ok(times < TIMES_MAX, `${times.toFixed(1)} times`);
    });
  }

  test('takes eight times as long for a body of the greatest size, of everything (F2)', () => {
    const parts = Object.values(HOSTILE).map((unit) => fill(unit, BODY_CHARS / Object.keys(HOSTILE).length));
    const times = processorMs(parts.join('\n')) / ordinaryMs;
    assert.ok(times < 8 * TIMES_MAX, `${times.toFixed(1)} times`);
  });
});
