// An event log in memory with archives on a real disk, and what is in both together.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listArchives, readArchive } from '../../src/archive/archive-file.js';
import { Archivist, type ArchivistParts, type RetentionPolicy } from '../../src/archive/archivist.js';
import type { ObservedEvent } from '../../src/contract/observe.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { EventIndex } from '../../src/runtime/event-index.js';
import { readEventPage } from '../../src/runtime/event-reader.js';
import { applyTrim, trimmedUpTo } from '../../src/runtime/event-trim.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { observed } from '../../src/transport/observation/event-json.js';

export const DAY_MS = 86_400_000;

export class KeptLog {
  readonly store = new MemoryStore();
  readonly directory = join(mkdtempSync(join(tmpdir(), 'troupe-archive-')), 'archive');
  /** All that was ever logged. */
  readonly events: ObservedEvent[] = [];
  /** Slices that were taken out. */
  slices = 0;

  get last(): number {
    return this.events.length;
  }

  get trimmed(): number {
    return trimmedUpTo(this.store);
  }

  /** One group for the tables. */
  log(count: number, at = 0, textBytes = 20): void {
    const first = this.last + 1;
    const index = new EventIndex();
    const values = Array.from({ length: count }, (_, place) => {
      const seq = first + place;
      const event = {
        seq,
        at,
        type: seq % 3 === 0 ? 'sent' : 'written',
        about: `a${seq % 7}`,
        data: { text: 'x'.repeat(textBytes), seq },
      };
      this.events.push(observed(event));
      const value = encodeValue([at, event.type, event.about, event.data]);
      index.add(seq, value);
      return value;
    });
    this.store.commit((batch) => {
      for (const { key, value } of [...eventRows(first, values), ...index.rows()]) batch.put(encodeKey(key), value);
      writeMetaNumber(batch, ['seq'], this.last);
      writeMetaNumber(batch, ['schema'], 3);
    });
  }

  archivist(policy: Partial<RetentionPolicy>, trim?: ArchivistParts['trim']): Archivist {
    return new Archivist({
      reader: this.store,
      directory: this.directory,
      policy: { days: 0, bytes: 0, ...policy },
      rest: () => Promise.resolve(),
      trim:
        trim ??
        ((slice) => {
          const trimmed = this.trimmed;
          this.store.commit((batch) => applyTrim(batch, slice, trimmed, this.last));
          this.slices++;
          return Promise.resolve({ kind: 'trimmed', upTo: slice.upTo });
        }),
    });
  }

  inTables(): ObservedEvent[] {
    const all: ObservedEvent[] = [];
    for (let since = 0; ; ) {
      const page = readEventPage(this.store, { since, limit: 1_000 });
      all.push(...page.events.map(observed));
      if (!page.hasMore) return all;
      since = page.next;
    }
  }

  archived(): ObservedEvent[] {
    return listArchives(this.directory).flatMap((file) => readArchive(file));
  }
}

/** Looks until there is nothing more to do. */
export async function lookOn(archivist: Archivist, nowMs = 0, floor = Number.MAX_SAFE_INTEGER): Promise<number> {
  for (let looks = 1; ; looks++) {
    const { isMore } = await archivist.look(floor, nowMs);
    if (!isMore) return looks;
  }
}
