// Holds docs/semantics.md to the tests on real threads that it names, and these to it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const GUARANTEES = 10;
const folder = join(process.cwd(), 'test', 'runtime');
const files = readdirSync(folder).filter((name) => /^guarantees-.*\.test\.ts$/.test(name));
const named = /^\s*it\('(?<name>.*) \((?<guarantees>G\d+(?:, G\d+)*)\)'/gm;

test('docs/semantics.md names the tests of G1 to G10 on real threads', () => {
  const page = readFileSync(join(process.cwd(), 'docs', 'semantics.md'), 'utf8');
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const shown = new Set<string>();
  for (const file of files) {
    for (const { groups } of readFileSync(join(folder, file), 'utf8').matchAll(named)) {
      const { name, guarantees } = groups as { name: string; guarantees: string };
      const row = rows.find((cells) => cells[2] === name);
      assert.deepEqual(row?.slice(1, 4), [guarantees, name, `\`${file}\``]);
      for (const each of guarantees.split(', ')) shown.add(each);
    }
  }
  const all = Array.from({ length: GUARANTEES }, (_, i) => `G${i + 1}`);
  assert.deepEqual(
    all.filter((each) => !shown.has(each)),
    [],
  );
  const rowsOfTests = rows.filter((cells) => /^`guarantees-.*\.test\.ts`$/.test(cells[3] ?? ''));
  const tests = files.flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(named)]);
  assert.equal(rowsOfTests.length, tests.length, 'the page names a test that is not there');
});
