// Test disk
//
// What a test system's process leaves behind when it dies: the groups that its journal made durable, and the tables as far
// as they were brought up. In memory, and none of it lost by crash().
//
// Owns:     what is durable.
// Does not: lose half a group: one is on the disk whole or not at all, as the journal's checksums make it in earnest.
//
// TD1. A group is durable when append() has returned, and not at all when it has thrown.
// TD2. A group stays until the tables hold it.

import type { Key } from '../runtime/actor.js';
import type { GroupSource } from '../runtime/applier.js';
import { decodeValue } from '../runtime/codec.js';
import { RecordCursor, walkRecord } from '../runtime/commit-record.js';
import type { GroupLog } from '../runtime/journal.js';
import type { GroupHeader } from '../runtime/storage/group-format.js';
import type { Group } from '../runtime/storage/group-reader.js';
import { encodeKey } from '../runtime/storage/keys.js';
import { MemoryStore } from '../runtime/storage/memory-store.js';

export class TestDisk implements GroupLog {
  readonly tables = new MemoryStore();
  /** So many more writes of a group fail. */
  failuresLeft = 0;
  /** Not released yet, in order. */
  #groups: Group[] = [];

  append({ number, seqBefore }: GroupHeader, records: readonly Uint8Array[]): void {
    if (this.failuresLeft > 0) {
      this.failuresLeft--;
      throw new Error('the test lets this write fail');
    }
    this.#groups.push({ number, seqBefore, records: Buffer.concat(records) });
  }

  release(applied: number): void {
    this.#groups = this.#groups.filter(({ number }) => number > applied);
  }

  /** Groups behind this one, each once; those that are written meanwhile too. */
  follow(after: number): GroupSource {
    let taken = after;
    return {
      next: (durable) => {
        const group = this.#groups.find(({ number }) => number > taken && number <= durable);
        if (group !== undefined) taken = group.number;
        return group;
      },
    };
  }

  /** What is durable under a key, in the tables or not. */
  stored(key: Key): unknown {
    const wanted = Buffer.from(encodeKey(key));
    let found: Uint8Array | undefined = this.tables.get(wanted);
    for (const { records } of this.#groups) {
      const record = new RecordCursor(records);
      while (record.next()) {
        walkRecord(record, {
          put: (bytes, keyAt, valueAt, end) => {
            if (wanted.equals(bytes.subarray(keyAt, valueAt))) found = bytes.subarray(valueAt, end);
          },
          delete: (bytes, keyAt, end) => {
            if (wanted.equals(bytes.subarray(keyAt, end))) found = undefined;
          },
          event: () => undefined,
          add: () => undefined,
          rewrite: () => undefined,
        });
      }
    }
    return found === undefined ? undefined : decodeValue(found);
  }
}
