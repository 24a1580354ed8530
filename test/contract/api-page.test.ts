// Holds docs/api.md to the declarations that were built, and the library to a bound of names. With UPDATE_DOCS=1 it writes
// the page instead.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as library from '../../src/index.js';
import { apiPage, exportedNames } from './api-page.js';

const NAMES_MAX = 25;
const path = join(process.cwd(), 'docs', 'api.md');

test('docs/api.md says what the declarations say', () => {
  const page = apiPage();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, page);
  const same = readFileSync(path, 'utf8') === page;
  assert.ok(same, 'docs/api.md is behind the code: run this test with UPDATE_DOCS=1');
});

test(`the library exports at most ${NAMES_MAX} names`, () => {
  const names = [...exportedNames().keys()];
  assert.ok(names.length <= NAMES_MAX, `${names.length} names: ${names.join(', ')}`);
});

test('everything that is exported has its entry, and no entry is empty', () => {
  const page = apiPage();
  for (const [name, count] of exportedNames()) {
    assert.ok(count > 0, `the declaration of ${name} was not found`);
    assert.ok(page.includes(`\n### ${name}\n`), name);
  }
  for (const name of Object.keys(library)) assert.ok(exportedNames().has(name), name);
  assert.doesNotMatch(page, /### \n|```ts\n```/);
});

test('what a type names has an entry too, also where it is not exported', () => {
  const page = apiPage();
  for (const name of ['AskOptions', 'Supervision', 'OwnStore', 'DeadLetter', 'Quarantined', 'HandlerResult']) {
    assert.ok(page.includes(`\n### ${name}\n`), name);
  }
  assert.doesNotMatch(page, /#private/);
});
