// The journal's groups in memory, to be written and followed: refuses a group when the test says so, as a full disk would.

import type { GroupSource } from '../../src/runtime/applier.js';
import type { GroupLog } from '../../src/runtime/journal.js';
import type { GroupHeader } from '../../src/runtime/storage/group-format.js';
import type { Group } from '../../src/runtime/storage/group-reader.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { readRecords, visitRecord } from './read-records.js';

export class MemoryLog implements GroupLog, GroupSource {
  failuresLeft = 0;
  /** What all groups together say, whether they are in the tables or not. */
  readonly durable = new MemoryStore();
  /** All events, the first at 0. */
  readonly events: Uint8Array[] = [];
  /** Not released yet. */
  #groups: Group[] = [];
  #taken = 0;

  append({ number, seqBefore }: GroupHeader, records: readonly Uint8Array[]): void {
    if (this.failuresLeft > 0) {
      this.failuresLeft--;
      throw new Error('the disk is full');
    }
    const group: Group = { number, seqBefore, records: Buffer.concat(records) };
    this.#groups.push(group);
    this.durable.commit((batch) => {
      for (const record of readRecords(group.records)) {
        visitRecord(record, {
          put: (key, value) => batch.put(key, value),
          delete: (key) => batch.delete(key),
          event: (value) => this.events.push(new Uint8Array(value)),
          add: () => undefined,
        });
      }
    });
  }

  release(applied: number): void {
    this.#groups = this.#groups.filter(({ number }) => number > applied);
  }

  next(durable: number): Group | undefined {
    const group = this.#groups.find(({ number }) => number > this.#taken && number <= durable);
    if (group !== undefined) this.#taken = group.number;
    return group;
  }
}
