// Group format
//
// How a group of commit records lies in a segment of the journal. Integers are little-endian; every group begins on a
// page of its own, so that writing it touches nothing that an earlier flush made durable.
//
//   segment    0  u32  magic                       group    0  u32  magic
//   (a page)   4  u32  checksum of bytes 8 to 40            4  u32  checksum of the rest, salted
//              8  u32  format version                       8  u32  length of all of it
//             12  u32  salt of its groups                  12  u32  reserved
//             16  u64  number of the segment               16  u64  number of the group
//             24  u64  number of its first group           24  u64  events before its first one
//             32  u64  reserved                            32  commit records (commit-record.ts)
//
// The checksum is CRC-32 (zlib). The salt is drawn anew whenever a segment is begun: no bytes that are left from an
// earlier use of the file, and none that a client may have sent, pass for a group.
//
// GF1. A group that was not written whole, or was changed, is not taken for one.

import { crc32 } from 'node:zlib';
import { StorageError } from './storage-error.js';

export const PAGE_BYTES = 4096;
export const GROUP_HEADER_BYTES = 32;

const SEGMENT_MAGIC = 0x53505254;
const GROUP_MAGIC = 0x47505254;
const VERSION = 1;
const SEGMENT_HEADER_BYTES = 40;
const CHECKED_FROM = 8;

export interface SegmentHeader {
  /** Rises by one with every segment that is begun. */
  readonly number: number;
  readonly firstGroup: number;
  readonly salt: number;
}

export interface GroupHeader {
  /** From 1, without gaps. */
  readonly number: number;
  /** The number of the last event before it. */
  readonly seqBefore: number;
}

/** The whole pages that this many bytes take. */
export function paged(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** Writes the first page of a segment to the start of `page`. */
export function writeSegmentHeader(page: Buffer, { number, firstGroup, salt }: SegmentHeader): void {
  page.fill(0, 0, PAGE_BYTES);
  page.writeUInt32LE(SEGMENT_MAGIC, 0);
  page.writeUInt32LE(VERSION, 8);
  page.writeUInt32LE(salt, 12);
  page.writeBigUInt64LE(BigInt(number), 16);
  page.writeBigUInt64LE(BigInt(firstGroup), 24);
  page.writeUInt32LE(crc32(page.subarray(CHECKED_FROM, SEGMENT_HEADER_BYTES)), 4);
}

/** Undefined when this is no segment that was begun. Throws a StorageError for one of a newer format. */
export function readSegmentHeader(page: Buffer): SegmentHeader | undefined {
  if (page.length < SEGMENT_HEADER_BYTES || page.readUInt32LE(0) !== SEGMENT_MAGIC) return undefined;
  if (crc32(page.subarray(CHECKED_FROM, SEGMENT_HEADER_BYTES)) !== page.readUInt32LE(4)) return undefined;
  const version = page.readUInt32LE(8);
  if (version !== VERSION) {
    throw new StorageError(`A segment of the journal has format ${version}, and this program knows ${VERSION}.`);
  }
  return {
    salt: page.readUInt32LE(12),
    number: Number(page.readBigUInt64LE(16)),
    firstGroup: Number(page.readBigUInt64LE(24)),
  };
}

/** Completes a group of `length` bytes at `at`, whose records lie behind the header already. */
export function writeGroupHeader(buffer: Buffer, at: number, length: number, group: GroupHeader, salt: number): void {
  buffer.writeUInt32LE(GROUP_MAGIC, at);
  buffer.writeUInt32LE(length, at + 8);
  buffer.writeUInt32LE(0, at + 12);
  buffer.writeBigUInt64LE(BigInt(group.number), at + 16);
  buffer.writeBigUInt64LE(BigInt(group.seqBefore), at + 24);
  buffer.writeUInt32LE(crc32(buffer.subarray(at + CHECKED_FROM, at + length), salt), at + 4);
}

/** The length that a group at `at` says it has; undefined when there is none. Says nothing about the rest of it. */
export function groupLength(buffer: Buffer, at: number): number | undefined {
  if (at + GROUP_HEADER_BYTES > buffer.length || buffer.readUInt32LE(at) !== GROUP_MAGIC) return undefined;
  const length = buffer.readUInt32LE(at + 8);
  return length >= GROUP_HEADER_BYTES ? length : undefined;
}

/** The number that a group at `at` says it has, sound or not; undefined when there is none. */
export function claimedNumber(buffer: Buffer, at: number): number | undefined {
  return groupLength(buffer, at) === undefined ? undefined : Number(buffer.readBigUInt64LE(at + 16));
}

/** The header of a whole and sound group of `length` bytes at `at` (GF1); undefined for anything else. */
export function readGroupHeader(buffer: Buffer, at: number, length: number, salt: number): GroupHeader | undefined {
  if (at + length > buffer.length) return undefined;
  if (crc32(buffer.subarray(at + CHECKED_FROM, at + length), salt) !== buffer.readUInt32LE(at + 4)) return undefined;
  return {
    number: Number(buffer.readBigUInt64LE(at + 16)),
    seqBefore: Number(buffer.readBigUInt64LE(at + 24)),
  };
}
