// A log of events in memory as the runtime has one: numbered at once, in the tables when the test says so.

import { encodeValue } from '../../../src/runtime/codec.js';
import { eventRows, type NumberedEvent } from '../../../src/runtime/event-blocks.js';
import { EventIndex } from '../../../src/runtime/event-index.js';
import { rewrittenRows } from '../../../src/runtime/event-rewriting.js';
import { applyTrim, planTrim, trimmedUpTo } from '../../../src/runtime/event-trim.js';
import { encodeKey } from '../../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../../src/runtime/storage/meta.js';

export interface PlannedEvent {
  readonly type: string;
  readonly about: string | null;
  readonly text?: string;
}

export class EventLog {
  readonly tables = new MemoryStore();
  readonly events: (PlannedEvent & { readonly seq: number })[] = [];
  #applied = 0;

  get last(): number {
    return this.events.length;
  }

  /** Durable, and not in the tables. */
  add(planned: readonly PlannedEvent[]): NumberedEvent[] {
    return planned.map((event) => {
      const seq = this.events.length + 1;
      this.events.push({ ...event, seq });
      return { seq, value: encodeValue([1000 + seq, event.type, event.about, { text: event.text ?? '' }]) };
    });
  }

  /** The event, which is in the tables, holds another text from now on. */
  rewrite(seq: number, text: string): void {
    const { type, about } = this.events[seq - 1]!;
    this.events[seq - 1] = { seq, type, about, text };
    const value = encodeValue([1000 + seq, type, about, { text }]);
    this.tables.commit((batch) => {
      for (const row of rewrittenRows(this.tables, new Map([[seq, [value]]]))) batch.put(encodeKey(row.key), row.value);
    });
  }

  /** Takes such a part of what is in the tables out of them, whole rows. */
  trim(part: number): void {
    const upTo = Math.floor(this.#applied * part);
    for (let slice = planTrim(this.tables, upTo); slice !== undefined; slice = planTrim(this.tables, upTo)) {
      const next = slice;
      const trimmed = trimmedUpTo(this.tables);
      this.tables.commit((batch) => applyTrim(batch, next, trimmed, this.#applied));
    }
  }

  /** Brings the tables up to this event. */
  apply(upTo = this.last): void {
    const values: Uint8Array[] = [];
    const index = new EventIndex();
    const from = this.#applied;
    for (const { seq, type, about, text = '' } of this.events.slice(from, upTo)) {
      const value = encodeValue([1000 + seq, type, about, { text }]);
      values.push(value);
      index.add(seq, value);
    }
    this.#applied = Math.max(from, upTo);
    this.tables.commit((batch) => {
      for (const { key, value } of [...eventRows(from + 1, values), ...index.rows()]) batch.put(encodeKey(key), value);
      writeMetaNumber(batch, ['seq'], this.#applied);
    });
  }
}
