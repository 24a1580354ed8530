import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDataDirectory, tablesDirectory } from '../../../src/runtime/storage/data-directory.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';

const moduleUrl = new URL('../../../src/runtime/storage/data-directory.js', import.meta.url).href;
const root = mkdtempSync(join(tmpdir(), 'troupe-data-'));
after(() => rmSync(root, { recursive: true }));

let directories = 0;
const newPath = () => join(root, String(directories++), 'data');

/** The one lock file there is. */
function lockOf(path: string): string {
  const names = readdirSync(path).filter((name) => name.startsWith('lock.'));
  assert.equal(names.length, 1);
  return join(path, names[0]!);
}

function refuses(path: string, reason: RegExp): void {
  assert.throws(
    () => openDataDirectory(path),
    (error) => error instanceof StorageError && reason.test(error.message) && error.message.includes(path),
  );
}

/** A process that opens the directory, prints `held` or the error, and lives on. */
function otherProcess(path: string) {
  const script = `
import(${JSON.stringify(moduleUrl)}).then(({ openDataDirectory }) => {
  try { openDataDirectory(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000); }
  catch (error) { console.log(error.message); }
});`;
  return spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('makes the directory and its tables for this user alone, and nothing of it readable by others', () => {
  const path = newPath();
  const directory = openDataDirectory(path);
  assert.equal(directory.path, path);
  assert.equal(directory.tables, tablesDirectory(path));
  for (const made of [path, directory.tables, directory.journal]) assert.equal(statSync(made).mode & 0o777, 0o700);
  assert.equal(statSync(lockOf(path)).mode & 0o777, 0o600);
  directory.release();
});

test('a held directory is refused until it is released, and then taken again (H1)', () => {
  const path = newPath();
  const first = openDataDirectory(path);
  refuses(path, /in use by this process/);
  first.release();
  first.release();
  const second = openDataDirectory(path);
  refuses(path, /in use by this process/);
  first.release();
  refuses(path, /in use by this process/);
  second.release();
  assert.deepEqual(readdirSync(path).length, 3);
});

test('another process that holds the directory is named, and its lock is taken over once it was killed (H1, H2)', async () => {
  const path = newPath();
  const other = otherProcess(path);
  const [printed] = await once(other.stdout, 'data');
  assert.equal(String(printed), 'held\n');
  refuses(path, new RegExp(`in use by process ${other.pid}\\.`));
  other.kill('SIGKILL');
  await once(other, 'exit');
  openDataDirectory(path).release();
});

test('a lock whose process id belongs to another process now is taken over (H2)', (context) => {
  const path = newPath();
  openDataDirectory(path).release();
  if (!existsSync('/proc/self/stat')) {
    context.diagnostic('no /proc: the start of a process is not to be known here');
    return;
  }
  const stale = JSON.stringify({ pid: process.ppid, started: 'another boot 1' });
  writeFileSync(lockOf(path), stale);
  openDataDirectory(path).release();
});

test('a lock of a living process whose start is not known is respected (H1)', () => {
  const path = newPath();
  openDataDirectory(path).release();
  writeFileSync(lockOf(path), JSON.stringify({ pid: process.ppid, started: '' }));
  refuses(path, new RegExp(`in use by process ${process.ppid}`));
});

test('a lock that a loss of power tore is taken over (H2)', () => {
  const path = newPath();
  openDataDirectory(path).release();
  for (const torn of ['{"pid": 1', '\0\0\0\0', '7', '{"pid":"x"}']) {
    writeFileSync(lockOf(path), torn);
    openDataDirectory(path).release();
  }
});

test('of many processes that go for a stale lock at once exactly one gets it (H1, H2)', async () => {
  const path = newPath();
  openDataDirectory(path).release();
  writeFileSync(lockOf(path), JSON.stringify({ pid: 2 ** 30, started: '' }));
  const others = Array.from({ length: 6 }, () => otherProcess(path));
  const answers = await Promise.all(others.map(async (each) => String((await once(each.stdout, 'data'))[0])));
  const holder = others[answers.indexOf('held\n')];
  assert.equal(answers.filter((answer) => answer === 'held\n').length, 1);
  for (const answer of answers) assert.match(answer, new RegExp(`^held$|in use by process ${holder?.pid}\\.`, 'm'));
  const gone = others.map((each) => (each.exitCode === null ? once(each, 'exit') : undefined));
  for (const each of others) each.kill('SIGKILL');
  await Promise.all(gone);
});

test('says what is wrong with a path that is a file, or leads through one', () => {
  const path = newPath();
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, 'a file');
  refuses(path, /is not a directory/);
  refuses(join(path, 'inside'), /a part of its path is a file/);
  assert.equal(readFileSync(path, 'utf8'), 'a file');
});

test('says that a directory is not writable', async () => {
  const path = newPath();
  mkdirSync(path, { recursive: true });
  for (const way of [root, join(path, '..')]) chmodSync(way, 0o755);
  chmodSync(path, 0o555);
  // Root may write anywhere: the child becomes nobody.
  const script = `
import(${JSON.stringify(moduleUrl)}).then(({ openDataDirectory }) => {
  if (process.getuid() === 0) process.setuid(65534);
  try { openDataDirectory(${JSON.stringify(path)}); console.log('opened'); } catch (error) { console.log(error.message); }
});`;
  const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await once(child.stdout, 'data');
  await once(child, 'exit');
  assert.match(String(printed), /not writable for this user/);
});
