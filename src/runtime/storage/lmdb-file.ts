// LMDB file
//
// What can be told of a data file before LMDB maps it into memory: a missing page read through the map is not an error
// but a signal, and ends the process.
//
// The format is LMDB's own (data version 2, little-endian, as in the mdb.c of the binding): the first two pages each hold
// a meta record behind a page header of 24 bytes. The one with the greater transaction id is the state of the store.

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { StorageError } from './storage-error.js';

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_FLAG = 0x08;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65536;

/** Offsets in a meta page. */
const FLAGS_AT = 18;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_BYTES_AT = 48;
const ROOTS_AT = [88, 136];
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_END = 168;

const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/**
 * `whole`: every page that the store counts is there. `shorter`: the last pages it counts are not; that is sound when
 * they are free, and only reading everything can tell.
 */
export interface DataFile {
  readonly state: 'whole' | 'shorter';
  /** What the file's size is when nothing is missing. */
  readonly bytes: number;
}

/** Reads two small records. Throws a StorageError when the file is missing, no LMDB file, or cut short beyond doubt. */
export function inspectDataFile(path: string): DataFile {
  if (!existsSync(path)) throw new StorageError(`There is no store: ${path} does not exist.`);
  const descriptor = openSync(path, 'r');
  try {
    const first = readMeta(descriptor, path, 0);
    const pageBytes = first.readUInt32LE(PAGE_BYTES_AT);
    if (pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX)
      throw damaged(path, `its pages have ${pageBytes} bytes`);
    const second = readMeta(descriptor, path, pageBytes);
    const newer = second.readBigUInt64LE(TRANSACTION_AT) > first.readBigUInt64LE(TRANSACTION_AT) ? second : first;
    // After the records: another process may be writing, and a file only grows.
    const size = fstatSync(descriptor).size;
    const bytes = Number(newer.readBigUInt64LE(LAST_PAGE_AT) + 1n) * pageBytes;
    for (const at of ROOTS_AT) {
      const root = newer.readBigUInt64LE(at);
      if (root !== NO_PAGE && Number(root + 1n) * pageBytes > size) throw cutShort(path, size, bytes);
    }
    return { state: size < bytes ? 'shorter' : 'whole', bytes };
  } finally {
    closeSync(descriptor);
  }
}

export function cutShort(path: string, size: number, bytes: number): StorageError {
  return damaged(path, `it is cut short: ${size} bytes of ${bytes}`);
}

function readMeta(descriptor: number, path: string, at: number): Buffer {
  const meta = Buffer.alloc(META_END);
  const length = readSync(descriptor, meta, 0, META_END, at);
  if (length < META_END) throw damaged(path, `it is cut short: it ends at byte ${at + length}`);
  const isMeta = (meta.readUInt16LE(FLAGS_AT) & META_FLAG) !== 0 && meta.readUInt32LE(MAGIC_AT) === MAGIC;
  if (!isMeta) throw damaged(path, `there is no LMDB record at byte ${at}`);
  const version = meta.readUInt32LE(VERSION_AT) & 0xffff;
  if (version !== DATA_VERSION) throw damaged(path, `its LMDB format is ${version}, not ${DATA_VERSION}`);
  return meta;
}

function damaged(path: string, reason: string): StorageError {
  return new StorageError(`The data file ${path} is damaged or not a store: ${reason}. Restore it from a backup.`);
}
