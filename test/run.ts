// Test runner
//
// Runs the built tests with node's own runner: `node dist/test/run.js [--only crash|package|pressure] [filter…]`. A filter
// is a part of a file's path under test/; with several, a file that matches any runs. The crash tests take minutes, the
// package test installs what it packs, and the pressure tests measure waits, so that nothing may run beside them: they are
// left out unless asked for by name.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';

/** Test files that run at once: each is a process, and many start threads of their own. */
const FILES_AT_ONCE = 2;
/** Folders that run only when they are asked for. */
const APART = ['crash', 'package', 'pressure'];

const { values, positionals: filters } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const only = values.only;
const root = import.meta.dirname;

function testFiles(): string[] {
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return all
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => name.split(sep).join('/'))
    .filter((name) => (only === undefined ? !APART.includes(name.split('/')[0]!) : name.startsWith(`${only}/`)))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort();
}

function run(): number {
  if (only !== undefined && !APART.includes(only)) {
    console.error(`--only takes ${APART.join(' or ')}.`);
    return 2;
  }
  const files = testFiles().map((name) => relative(process.cwd(), join(root, name)));
  if (files.length === 0) {
    console.error(`No test file matches: ${filters.join(' ')}`);
    return 2;
  }
  // Crash tests measure out their kills against a machine of their own; two at once would starve each other.
  const atOnce = only === undefined ? FILES_AT_ONCE : 1;
  const options = ['--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`];
  const { status, error } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

process.exitCode = run();
