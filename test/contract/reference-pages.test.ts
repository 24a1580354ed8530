// Holds docs/errors.md and docs/config.md to the tables in the code. With UPDATE_DOCS=1 it writes them instead.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configTable, environmentName } from '../../src/config-schema.js';
import { configPage, errorsPage } from '../../src/contract/reference-pages.js';
import { errorTable } from '../../src/errors.js';

const docs = join(process.cwd(), 'docs');

function holds(file: string, page: string): void {
  const path = join(docs, file);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, page);
  const same = readFileSync(path, 'utf8') === page;
  assert.ok(same, `docs/${file} is behind the code: run this test with UPDATE_DOCS=1`);
}

test('docs/errors.md says what the error table says', () => holds('errors.md', errorsPage()));

test('docs/config.md says what the config table says', () => holds('config.md', configPage()));

test('every error and every key has its row', () => {
  for (const code of Object.keys(errorTable)) assert.match(errorsPage(), new RegExp(`^\\| ${code} +\\|`, 'm'));
  for (const key of Object.keys(configTable)) assert.ok(configPage().includes(`\n| \`${key}\` `), key);
});

test('no two keys share a name in the environment', () => {
  const names = (Object.keys(configTable) as (keyof typeof configTable)[]).map(environmentName);
  assert.equal(new Set(names).size, names.length);
});
