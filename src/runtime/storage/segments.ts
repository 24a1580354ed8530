// Segments
//
// The files that the journal is written to. All have the same size and were written once before they are used, so that a
// flush finds its blocks in place; a file whose groups are all in the tables is used again.
//
//     made, all zeros ──▶ spare ──begun: a header with the next number──▶ in use ──full──▶ closed ──all applied──▶ spare
//
// The groups of segment k are those from its first group to the one before the first of segment k + 1: what lies behind
// that in k was refused when it was written, because its flush failed.

import { newId } from '../../ids.js';
import type { Disk, DiskFile, DiskReader } from './disk.js';
import { PAGE_BYTES, readSegmentHeader, type SegmentHeader } from './group-format.js';

/** Writes zeros over all of a segment that nobody reads or writes any more. Throws what the disk throws. */
export function wipeSegmentFile(disk: Disk, name: string): void {
  const file = disk.open(name);
  try {
    // Without its first page it is no segment, whatever else is left of it after a loss of power.
    writeZeros(file, 0, Math.min(PAGE_BYTES, file.size));
    file.flush();
    writeZeros(file, PAGE_BYTES, file.size);
    file.flush();
  } finally {
    file.close();
  }
}

function writeZeros(file: DiskFile, from: number, to: number): void {
  const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; at += zeros.length) file.write(zeros, Math.min(zeros.length, to - at), at);
}

const ZEROS_BYTES = 1024 * 1024;
const SUFFIX = '.segment';

export interface Segment extends SegmentHeader {
  readonly name: string;
}

export interface SegmentList {
  /** Those that were begun at some time, by their number. */
  readonly begun: readonly Segment[];
  /** Those that never were, or whose beginning did not reach the disk. */
  readonly blank: readonly string[];
}

/** Reads the first page of every segment. Throws a StorageError when one has a newer format. */
export function listSegments(disk: DiskReader): SegmentList {
  const begun: Segment[] = [];
  const blank: string[] = [];
  const page = Buffer.allocUnsafe(PAGE_BYTES);
  for (const name of disk.list().filter((each) => each.endsWith(SUFFIX))) {
    const file = openListed(disk, name);
    if (file === undefined) continue;
    const header = readHeaderOf(file, page);
    if (header === undefined) blank.push(name);
    else begun.push({ ...header, name });
  }
  return { begun: begun.sort((a, b) => a.number - b.number), blank };
}

function readHeaderOf(file: DiskFile, page: Buffer): SegmentHeader | undefined {
  try {
    return readSegmentHeader(page.subarray(0, file.read(page, 0)));
  } finally {
    file.close();
  }
}

/** Undefined when the file was removed since it was listed: the writer does that with spares that are too many. */
export function openListed(disk: DiskReader, name: string): DiskFile | undefined {
  try {
    return disk.open(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A name for a file that listSegments() looks at. */
export function newSegmentName(): string {
  return `${newId()}${SUFFIX}`;
}

/** A new segment file of this size, written and flushed. Throws what the disk throws, and leaves no file behind then. */
export function makeSegmentFile(disk: Disk, bytes: number): DiskFile {
  const name = newSegmentName();
  const file = disk.create(name);
  try {
    writeZeros(file, 0, bytes);
    file.flush();
    disk.flushNames();
    return file;
  } catch (error) {
    file.close();
    disk.remove(name);
    throw error;
  }
}
