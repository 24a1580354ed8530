// Data directory
//
// The one directory that a server keeps everything in, and the lock that keeps a second server out of it.
//
// Locks are files named `lock.1`, `lock.2`, …: the one with the highest number holds, if its process lives. A number is
// taken by linking a finished file to its name, which only one process can do, and never given out twice while anyone
// may still look at an older one; so a stale lock is taken over without a moment in which two hold it.
//
// Owns:     the directory, its lock.
// Does not: open the tables (lmdb-store.ts), or know their schema (migrations.ts).
//
// H1. At most one living process of a machine holds a directory.
// H2. A lock whose process is gone, even if another one has its id now, is taken over without asking.
// H3. Readers (backup, check) take no lock.

import { randomBytes } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { flush } from './flush.js';
import { StorageError } from './storage-error.js';

const LOCK_NAME = /^lock\.([1-9][0-9]{0,14})$/;

/** Contenders that may get ahead of one before it gives up: each has to start and take the lock in that time. */
const ATTEMPTS_MAX = 100;

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  /** Where the store lies. Exists. */
  readonly tables: string;
  /** Where the journal's segments lie. Exists. */
  readonly journal: string;
  /** Where what is summed up of the event log lies. Made by who sums up. */
  readonly summaries: string;
  /** Where migrations put copies of the store as it was, each in a directory named after its schema version. */
  readonly backups: string;
  /** Lets another server in. Once is enough; a process that ends without it does no harm (H2). */
  release(): void;
}

/** Who holds a lock. `started` tells a process from a later one with the same id. */
interface Holder {
  readonly pid: number;
  readonly started: string;
}

/** The directory of the tables in a data directory: for those who only read (H3). */
export function tablesDirectory(path: string): string {
  return join(resolve(path), 'tables');
}

/** The directory of the journal in a data directory. */
export function journalDirectory(path: string): string {
  return join(resolve(path), 'journal');
}

/** The directory of the archives of old events; `configured` null: the one in the data directory. */
export function archiveDirectory(path: string, configured: string | null): string {
  return resolve(configured ?? join(path, 'archive'));
}

/** The directory of the sums of the event log in a data directory; absent before anything was summed up. */
export function summariesDirectory(path: string): string {
  return join(resolve(path), 'summaries');
}

/** Makes the directory when it is not there (mode 0700) and locks it. Throws a StorageError that names what is wrong. */
export function openDataDirectory(path: string): DataDirectory {
  const absolute = resolve(path);
  const tables = tablesDirectory(absolute);
  makeDirectory(absolute);
  const lock = takeLock(absolute);
  makeDirectory(tables);
  const journal = journalDirectory(absolute);
  makeDirectory(journal);
  let held = true;
  return {
    path: absolute,
    tables,
    journal,
    summaries: summariesDirectory(absolute),
    backups: join(absolute, 'backups'),
    release() {
      if (held) emptied(lock);
      held = false;
    },
  };
}

/** Throws a StorageError when a living process holds the directory. Takes nothing: a moment later one may. */
export function refuseInUse(path: string): void {
  const absolute = resolve(path);
  const newest = Math.max(0, ...lockNumbers(absolute));
  if (newest > 0) refuseLiving(absolute, newest);
}

function makeDirectory(path: string): void {
  try {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) flush(dirname(made));
  } catch (error) {
    throw explained(error, path);
  }
}

function takeLock(directory: string): string {
  const mine = join(directory, `.lock-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const holder: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' };
    writeFileSync(mine, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw explained(error, directory);
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const newest = Math.max(0, ...lockNumbers(directory));
      if (newest > 0) refuseLiving(directory, newest);
      const name = lockPath(directory, newest + 1);
      if (!linked(mine, name)) continue;
      // Whoever was slow may have taken a number below that of a faster one.
      if (Math.max(...lockNumbers(directory)) === newest + 1) {
        clearOlder(directory, newest + 1);
        return name;
      }
      rmSync(name, { force: true });
    }
  } finally {
    unlinkSync(mine);
  }
  throw new StorageError(`The data directory ${directory} is being opened by too many processes at once.`);
}

function refuseLiving(directory: string, number: number): void {
  const holder = readHolder(lockPath(directory, number));
  if (holder === undefined) return;
  const started = startOf(holder.pid);
  if (started === undefined) return;
  // Where either is not known, a living process is taken for the holder: better refused than two of them.
  if (started !== '' && holder.started !== '' && started !== holder.started) return;
  const who = holder.pid === process.pid ? 'this process' : `process ${holder.pid}`;
  throw new StorageError(`The data directory ${directory} is in use by ${who}. Stop it, or choose another directory.`);
}

/** Undefined when the lock was released, is gone, or was torn by a loss of power. */
function readHolder(path: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof found !== 'object' || found === null || !('pid' in found) || !('started' in found)) return undefined;
    const { pid, started } = found;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined;
    throw explained(error, path);
  }
}

/**
 * When a living process started, as far as this system tells: where there is /proc, the boot and the clock tick (proc(5),
 * field 22 of stat); empty where it is not to be known. Undefined when there is no such process.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in brackets, may hold anything: count the fields after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19]}`;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESRCH') throw error;
    return isAlive(pid) ? '' : undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, but it is not ours to signal.
    return codeOf(error) === 'EPERM';
  }
}

function lockNumbers(directory: string): number[] {
  return readdirSync(directory).flatMap((name) => {
    const number = LOCK_NAME.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

function lockPath(directory: string, number: number): string {
  return join(directory, `lock.${number}`);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw explained(error, to);
  }
}

/** Not removed: its number must not be given out again (see above). */
function emptied(lock: string): void {
  try {
    truncateSync(lock);
  } catch (error) {
    // The directory was removed under us: nobody is kept out by it.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function clearOlder(directory: string, number: number): void {
  for (const older of lockNumbers(directory)) {
    if (older < number) rmSync(lockPath(directory, older), { force: true });
  }
}

function explained(error: unknown, path: string): StorageError {
  const say = (text: string) => new StorageError(`The data directory ${path} ${text}.`, { cause: error });
  switch (codeOf(error)) {
    case 'EEXIST':
      return say('is not a directory');
    case 'ENOTDIR':
      return say('cannot be made: a part of its path is a file');
    case 'EACCES':
    case 'EPERM':
      return say('is not writable for this user');
    case 'EROFS':
      return say('is on a file system that is read-only');
    case 'ENOSPC':
      return say('is on a disk that is full');
    default:
      return say(`cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
