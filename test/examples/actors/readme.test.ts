// Compiles and runs the program of the README, as it stands there.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const LINES_MAX = 15;
const root = process.cwd();

test('the program of the README is short, compiles, and counts its starts', () => {
  const page = readFileSync(join(root, 'README.md'), 'utf8');
  const found = /```ts\n\/\/ counter\.ts[^\n]*\n([\s\S]*?)\n\/\/ main\.ts\n([\s\S]*?)\n```/.exec(page);
  assert.ok(found, 'the README has no program of counter.ts and main.ts');
  assert.ok(found[0].split('\n').length - 2 <= LINES_MAX, `the program has more than ${LINES_MAX} lines`);
  mkdirSync(join(root, '.build'), { recursive: true });
  // Inside the repository, where 'troupe' is this package.
  const folder = mkdtempSync(join(root, '.build', 'readme-'));
  try {
    writeFileSync(join(folder, 'counter.ts'), `${found[1]}\n`);
    writeFileSync(join(folder, 'main.ts'), `${found[2]}\n`);
    const compilerOptions = { target: 'es2022', module: 'nodenext', types: ['node'], strict: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), folder);
    assert.equal(run(join(folder, 'main.js'), folder), '1\n');
    assert.equal(run(join(folder, 'main.js'), folder), '2\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What it prints; throws when it fails. */
function run(program: string, cwd: string): string {
  return execFileSync(process.execPath, [program], { cwd, encoding: 'utf8', timeout: 60_000 });
}
