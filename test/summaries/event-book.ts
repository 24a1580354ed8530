// Event book
//
// An event log in a store in memory, and what a naive reading of it counts: the model that the sums are held to.

import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { EventIndex } from '../../src/runtime/event-index.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { SCHEMA_VERSION } from '../../src/runtime/storage/migrations.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { META_SEQ } from '../../src/runtime/tables.js';
import { edgeKey } from '../../src/summaries/rows.js';

export interface BookEvent {
  readonly type: string;
  readonly agent: string | null;
  readonly to?: string;
}

export interface CountedAgent {
  readonly registeredAt: number | null;
  readonly retiredAt: number | null;
  readonly sent: number;
  readonly received: number;
  readonly writes: number;
  readonly lastActive: number | null;
}

const START_MS = 1_700_000_000_000;
const PASSIVE = ['message_dropped', 'agent_retired', 'content_removed'];

/** When the event of this number happened. */
export function happenedAt(seq: number): number {
  return START_MS + seq * 1000;
}

export class EventBook {
  readonly tables: Store;
  readonly events: BookEvent[] = [];

  constructor(tables: Store = new MemoryStore()) {
    this.tables = tables;
  }

  /** One commit, as the applier makes it. */
  append(events: readonly BookEvent[]): void {
    const firstSeq = this.events.length + 1;
    const encoded = events.map(({ type, agent, to }, place) => {
      const data = type === 'message_sent' ? { message_id: 'x', from: agent, to, content: 'c', content_length: 1 } : {};
      return encodeValue([happenedAt(firstSeq + place), type, agent, data]);
    });
    for (const event of events) this.events.push(event);
    this.tables.commit((batch) => {
      for (const row of eventRows(firstSeq, encoded)) batch.put(encodeKey(row.key), row.value);
      const index = new EventIndex();
      encoded.forEach((event, place) => {
        index.add(firstSeq + place, event);
      });
      for (const row of index.rows()) batch.put(encodeKey(row.key), row.value);
      writeMetaNumber(batch, ['schema'], SCHEMA_VERSION);
      writeMetaNumber(batch, META_SEQ, this.events.length);
    });
  }

  /** Agents, by address. */
  agents(upTo = this.events.length): Map<string, CountedAgent> {
    const all = new Map<string, CountedAgent>();
    const change = (agent: string, by: (now: CountedAgent) => Partial<CountedAgent>): void => {
      const now = all.get(agent) ?? NOBODY;
      all.set(agent, { ...now, ...by(now) });
    };
    this.events.slice(0, upTo).forEach(({ type, agent, to }, place) => {
      if (agent === null) return;
      const at = happenedAt(place + 1);
      change(agent, () => (PASSIVE.includes(type) ? {} : { lastActive: at }));
      if (type === 'agent_registered') change(agent, ({ registeredAt }) => ({ registeredAt: registeredAt ?? at }));
      if (type === 'agent_retired') change(agent, () => ({ retiredAt: at }));
      if (type === 'state_written') change(agent, ({ writes }) => ({ writes: writes + 1 }));
      if (type !== 'message_sent' || to === undefined) return;
      change(agent, ({ sent }) => ({ sent: sent + 1 }));
      change(to, ({ received }) => ({ received: received + 1 }));
    });
    return all;
  }

  /** Messages, by JSON of [from, to]. */
  edges(upTo = this.events.length): Map<string, number> {
    const all = new Map<string, number>();
    for (const { type, agent, to } of this.events.slice(0, upTo)) {
      if (type !== 'message_sent' || agent === null || to === undefined) continue;
      const key = JSON.stringify(edgeKey(agent, to).slice(1));
      all.set(key, (all.get(key) ?? 0) + 1);
    }
    return all;
  }
}

const NOBODY: CountedAgent = {
  registeredAt: null,
  retiredAt: null,
  sent: 0,
  received: 0,
  writes: 0,
  lastActive: null,
};
