// Archive file
//
// A range of the event log in one file: its events as JSON lines (`{seq, ts, type, agent, data}`, the same that observers are
// told), compressed by gzip. The name says the first and the last of them; the comment in the head of the gzip (RFC 1952,
// FCOMMENT) says them again, with how many bytes the lines are and their SHA-256. `gzip -dc`, `zcat` and `jq` read it as it is.
//
//     events-0000000000000001-0000000000004096.jsonl.gz      troupe events 1 first=1 last=4096 bytes=1048576 sha256=…
//
// Owns:     the format, and that a file is there whole or not at all.
// Does not: choose what is archived (archivist.ts), or delete anything.
//
// AF1. A file that has its name is whole: it was written and flushed under another one, renamed, and the directory flushed.
// AF2. What does not agree with its name and its comment is refused by name: a missing line, a changed byte, another order.
// AF3. A rewritten file has the same events, by number, as before: content can be changed, nothing added or left out.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';
import type { ObservedEvent } from '../contract/observe.js';
import { invariant } from '../invariant.js';
import { flush } from '../runtime/storage/flush.js';
import { StorageError } from '../runtime/storage/storage-error.js';

/** Some more than an archivist puts into one, of which a single event may be 16 MiB, six times as much in JSON. */
const LINES_BYTES_MAX = 512 * 1024 * 1024;
const NAME = /^events-(\d{16})-(\d{16})\.jsonl\.gz$/;
const LEFT_OVER = /^events-.*\.new$/;
const COMMENT = /^troupe events 1 first=(\d+) last=(\d+) bytes=(\d+) sha256=([0-9a-f]{64})$/;
/** Magic, deflate, with a comment, no time, no level, no system. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 255]);
const NEWLINE = 0x0a;
const DIGITS = 16;

export interface ArchiveRange {
  readonly first: number;
  readonly last: number;
}

export interface ArchiveFile extends ArchiveRange {
  readonly path: string;
}

export interface ArchiveHead extends ArchiveRange {
  /** Of the lines, before they were compressed. */
  readonly bytes: number;
  readonly sha256: string;
}

/** The archives in a directory, by their names, oldest first. None where there is no directory. */
export function listArchives(directory: string): ArchiveFile[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .flatMap((name) => {
      const range = rangeIn(NAME.exec(name));
      return range === undefined ? [] : [{ path: join(directory, name), ...range }];
    })
    .sort((a, b) => a.first - b.first || a.last - b.last);
}

export function lineOf(event: ObservedEvent): Buffer {
  return Buffer.from(`${JSON.stringify(event)}\n`, 'utf8');
}

/** `lines` are those of the events of the range. The disk has the file when it returns. Throws where it is there already. */
export function writeArchive(directory: string, range: ArchiveRange, lines: readonly Uint8Array[]): ArchiveFile {
  invariant(lines.length === range.last - range.first + 1, 'an archive holds all events of its range');
  const path = join(directory, nameOf(range));
  if (existsSync(path)) throw new StorageError(`The archive ${path} is there already.`);
  put(path, encode(range, Buffer.concat(lines)));
  return { path, ...range };
}

/** What the head of a file says of it, without reading the rest. Throws a StorageError where it is none. */
export function readArchiveHead(file: ArchiveFile): ArchiveHead {
  return headOf(file, readFileSync(file.path));
}

/** All events of a file. Throws a StorageError where anything is not as it was written (AF2). */
export function readArchive(file: ArchiveFile): ObservedEvent[] {
  const stored = readFileSync(file.path);
  const head = headOf(file, stored);
  const lines = uncompressed(file, stored);
  if (lines.length !== head.bytes || sha256Of(lines) !== head.sha256) throw damaged(file, 'its checksum is another');
  const events: ObservedEvent[] = [];
  for (let from = 0; from < lines.length; ) {
    const to = lines.indexOf(NEWLINE, from);
    if (to < 0) throw damaged(file, 'its last line has no end');
    events.push(eventIn(file, lines.toString('utf8', from, to), file.first + events.length));
    from = to + 1;
  }
  if (events.length !== file.last - file.first + 1) throw damaged(file, 'it does not hold all events of its range');
  return events;
}

/**
 * Puts what `edit` makes of each event in its place, in one step (AF1): before, the file is as it was. Tells how many it
 * changed; where it changed none, the file is left alone. For whoever keeps the archivist from working meanwhile
 * (Retention.pause). Costs reading and writing the file: some hundred milliseconds, in which its thread does nothing else.
 */
export function rewriteArchive(file: ArchiveFile, edit: (event: ObservedEvent) => ObservedEvent): number {
  let changed = 0;
  const lines = readArchive(file).map((event) => {
    const edited = edit(event);
    invariant(edited.seq === event.seq, 'an event keeps its number');
    if (edited !== event) changed++;
    return lineOf(edited);
  });
  if (changed > 0) put(file.path, encode(file, Buffer.concat(lines)));
  return changed;
}

/** What a process that was killed while it wrote has left behind. For whoever writes archives alone. */
export function removeLeftOvers(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) if (LEFT_OVER.test(name)) rmSync(join(directory, name), { force: true });
}

function nameOf({ first, last }: ArchiveRange): string {
  const digits = (seq: number): string => String(seq).padStart(DIGITS, '0');
  return `events-${digits(first)}-${digits(last)}.jsonl.gz`;
}

function rangeIn(match: RegExpExecArray | null): ArchiveRange | undefined {
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 1 && last >= first
    ? { first, last }
    : undefined;
}

function encode({ first, last }: ArchiveRange, lines: Buffer): Buffer {
  const comment = `troupe events 1 first=${first} last=${last} bytes=${lines.length} sha256=${sha256Of(lines)}\0`;
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(lines), 0);
  tail.writeUInt32LE(lines.length >>> 0, 4);
  return Buffer.concat([GZIP_HEAD, Buffer.from(comment, 'latin1'), deflateRawSync(lines), tail]);
}

function put(path: string, bytes: Buffer): void {
  const aside = `${path}.${process.pid}.new`;
  try {
    const descriptor = openSync(aside, 'w', 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    } finally {
      closeSync(descriptor);
    }
    flush(aside);
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  flush(dirname(path));
}

function headOf(file: ArchiveFile, stored: Buffer): ArchiveHead {
  const end = stored.indexOf(0, GZIP_HEAD.length);
  if (end < 0 || !stored.subarray(0, GZIP_HEAD.length).equals(GZIP_HEAD))
    throw damaged(file, 'it does not begin as one');
  const match = COMMENT.exec(stored.toString('latin1', GZIP_HEAD.length, end));
  const range = rangeIn(match);
  if (match === null || range?.first !== file.first || range.last !== file.last) {
    throw damaged(file, 'it says another range than its name');
  }
  return { ...range, bytes: Number(match[3]), sha256: match[4]! };
}

function uncompressed(file: ArchiveFile, stored: Buffer): Buffer {
  try {
    return gunzipSync(stored, { maxOutputLength: LINES_BYTES_MAX });
  } catch (error) {
    throw damaged(file, `it cannot be uncompressed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function eventIn(file: ArchiveFile, line: string, seq: number): ObservedEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    throw damaged(file, `where event ${seq} should be is no JSON`);
  }
  const isEvent = typeof event === 'object' && event !== null && 'seq' in event && event.seq === seq;
  if (!isEvent) throw damaged(file, `event ${seq} is missing`);
  return event as ObservedEvent;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged({ path }: ArchiveFile, reason: string): StorageError {
  return new StorageError(`The archive ${basename(path)} is damaged: ${reason}.`);
}
