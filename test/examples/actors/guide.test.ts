// Holds the programs that docs/guide.md quotes to the files that they are from.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const examples = join(process.cwd(), 'examples', 'actors');
const QUOTES_MIN = 10;

interface Quote {
  readonly file: string;
  readonly text: string;
}

/** A block of code behind `<!-- from <file> -->`. */
function quotesIn(page: string): Quote[] {
  const quotes = page.matchAll(/<!-- from (\S+) -->\n\n```ts\n([\s\S]*?)\n```/g);
  return [...quotes].map(([, file, text]) => ({ file: file!, text: text! }));
}

/** Without indents, which a quote does not keep. */
function linesOf(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
}

const guide = readFileSync(join(process.cwd(), 'docs', 'guide.md'), 'utf8');

test('every program that the guide quotes is in its file, line by line', () => {
  const quotes = quotesIn(guide);
  assert.ok(quotes.length >= QUOTES_MIN, `only ${quotes.length} quotes were found`);
  for (const { file, text } of quotes) {
    const whole = `\n${linesOf(readFileSync(join(examples, file), 'utf8'))}\n`;
    assert.ok(whole.includes(`\n${linesOf(text)}\n`), `docs/guide.md quotes what is not in ${file}:\n${text}`);
  }
});

test('every block of code in the guide says where it is from', () => {
  const blocks = guide.match(/^```ts$/gm)?.length ?? 0;
  assert.equal(quotesIn(guide).length, blocks);
});

test('the guide quotes every file of kinds, and names the lesson of every program', () => {
  const files = readdirSync(examples).filter((name) => name.endsWith('-kinds.ts'));
  const quoted = new Set(quotesIn(guide).map(({ file }) => file));
  assert.deepEqual(
    files.filter((name) => !quoted.has(name) && !quoted.has(name.replace('-kinds', ''))),
    [],
  );
});
