// The faults that a journal must not have, each put in place of one of its parts: whoever looks for them must find them.

import type { GroupLog } from '../../src/runtime/journal.js';
import type { Disk, DiskFile, DiskReader } from '../../src/runtime/storage/disk.js';
import {
  groupLength,
  PAGE_BYTES,
  readSegmentHeader,
  writeGroupHeader,
} from '../../src/runtime/storage/group-format.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import type { WriteBatch } from '../../src/runtime/storage/store.js';
import { META_APPLIED, META_SEQ } from '../../src/runtime/tables.js';
import { latin1 } from '../runtime/record-batches.js';
import { DurableTables, type Rows } from './durable-tables.js';

/** Where a fault takes the place of a part. */
export interface Plants {
  /** What the segment log writes to. */
  readonly disk?: (disk: Disk) => Disk;
  /** What groups are read from. */
  readonly reader?: (disk: DiskReader) => DiskReader;
  readonly log?: (log: GroupLog) => GroupLog;
  readonly tables?: (rows: Rows) => DurableTables;
}

function withFiles<T extends DiskReader>(disk: T, wrap: (file: DiskFile) => Partial<DiskFile>): T {
  const wrapped = (file: DiskFile): DiskFile => ({ ...file, ...wrap(file) });
  return new Proxy(disk, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      if (property !== 'open' && property !== 'create') return member.bind(target);
      return (name: string) => wrapped(Reflect.apply(member, target, [name]) as DiskFile);
    },
  });
}

/** Groups are acknowledged before the disk has them. */
export const unflushed: Plants = { disk: (disk) => withFiles(disk, () => ({ flush: () => undefined })) };

/** Segments are used again before their groups are in the tables. */
export const releasedEarly: Plants = {
  log: (log) => ({
    append(group, records, bytes) {
      log.append(group, records, bytes);
      log.release(group.number);
    },
    release: (applied) => log.release(applied),
  }),
};

/** What a transaction leaves behind says that only the groups of the one before it were applied. */
class ForgetfulTables extends DurableTables {
  #before: Rows = new Map();

  override get outcomes(): readonly Rows[] {
    return super.outcomes.map((rows) => {
      const left = new Map(rows);
      for (const name of [META_APPLIED, META_SEQ]) {
        const key = latin1(encodeKey(['meta', ...name]));
        const value = this.#before.get(key);
        if (value === undefined) left.delete(key);
        else left.set(key, value);
      }
      return left;
    });
  }

  override commit(write: (batch: WriteBatch) => void): void {
    const [before] = super.outcomes;
    super.commit(write);
    this.#before = before!;
  }
}

/** Groups are applied again that were applied before. */
export const replayed: Plants = { tables: (rows) => new ForgetfulTables(rows) };

/** Whatever begins like a group of its segment is taken for whole. */
export const unchecked: Plants = {
  reader: (disk) =>
    withFiles(disk, (file) => ({
      read(into, at) {
        const length = file.read(into, at);
        const page = Buffer.alloc(PAGE_BYTES);
        file.read(page, 0);
        const segment = readSegmentHeader(page);
        const bytes = Buffer.from(into.buffer, into.byteOffset, length);
        for (let from = 0; segment !== undefined && from < length; from += PAGE_BYTES) {
          const size = groupLength(bytes, from);
          if (size === undefined || from + size > length) continue;
          const number = Number(bytes.readBigUInt64LE(from + 16));
          const seqBefore = Number(bytes.readBigUInt64LE(from + 24));
          // What is left from an earlier use of the file is not meant.
          if (number < segment.firstGroup) continue;
          writeGroupHeader(bytes, from, size, { number, seqBefore }, segment.salt);
        }
        return length;
      },
    })),
};
