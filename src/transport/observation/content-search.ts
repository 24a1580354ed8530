// Content search
//
// Looks through the event log, and through inboxes, for one message or one key, a slice at a time: whoever asks goes on
// with the next slice, and others are answered in between.
//
// Nothing says which events hold a key or a message; an index would cost every write, for what is rarely done. Rows are
// looked through as bytes instead, for the member of the event's data as it is stored, and decoded only where it is found.
//
// CS1. A slice reads at most SLICE_BYTES_MAX of rows, and the rows of one read.
// CS2. Slices joined look at everything behind their beginning once.

import type { InboxRow } from '../../actors/agent/inbox.js';
import {
  type DueRemoval,
  REMOVED_EVENT,
  REWRITTEN_PER_TURN,
  type RewrittenEvent,
} from '../../actors/removal/protocol.js';
import { contentHash, contentIn, placeOf, type RemovalTarget, redactEvent } from '../../redaction.js';
import { decodeValue, encodeValue } from '../../runtime/codec.js';
import { EVENT_TABLE, eventsOf } from '../../runtime/event-blocks.js';
import { eventHead } from '../../runtime/event-index.js';
import { type LoggedEvent, logged } from '../../runtime/event-reader.js';
import { decodeKey, encodeKey, rangeOf } from '../../runtime/storage/keys.js';
import { readMetaNumber } from '../../runtime/storage/meta.js';
import type { StoreReader } from '../../runtime/storage/store.js';
import { META_SEQ } from '../../runtime/tables.js';
import { lookInArchives } from './archive-search.js';
import type { LookedThrough, Looking, Looks } from './protocol.js';
import { readLastRemoval } from './removal-reader.js';

export const SLICE_BYTES_MAX = 4 * 1024 * 1024;
const ROWS_PER_READ = 8;

export function lookFor(reader: StoreReader, looking: Looking, archives: string): Looks[keyof Looks]['found'] {
  switch (looking.kind) {
    case 'message':
      return lookForMessage(reader, looking.asked);
    case 'time':
      return { seq: lastBefore(reader, looking.asked.at) };
    case 'inbox':
      return lookInInbox(reader, looking.asked);
    case 'value':
      return lookForValue(reader, looking.asked);
    case 'contents':
      return lookForContents(reader, looking.asked.removal, looking.asked.after);
    case 'archives':
      return lookInArchives(archives, looking.asked);
    case 'removal':
      return { removal: readLastRemoval(reader, looking.asked) };
    default:
      return looking satisfies never;
  }
}

function lookForMessage(reader: StoreReader, { id, after }: Looks['message']['asked']): Looks['message']['found'] {
  const target: RemovalTarget = { kind: 'message', id };
  const { type, name } = placeOf(target);
  let message: Looks['message']['found']['message'];
  const through = eachEvent(reader, after, holding(target), (event) => {
    if (event.type !== type || event.data[name] !== id) return false;
    const content = contentIn(event, target);
    const hash = content === undefined ? undefined : contentHash(content);
    message = { seq: event.seq, to: String(event.data.to), contentHash: hash };
    return true;
  });
  return { ...through, message };
}

function lookForValue(reader: StoreReader, { key, after }: Looks['value']['asked']): Looks['value']['found'] {
  const target: RemovalTarget = { kind: 'key', id: key };
  let last: string | undefined;
  const through = eachEvent(reader, after, holding(target), (event) => {
    last = contentIn(event, target) ?? last;
    return false;
  });
  return { ...through, contentHash: last === undefined ? undefined : contentHash(last) };
}

function lookForContents(reader: StoreReader, { id, target }: DueRemoval, after: number): Looks['contents']['found'] {
  const events: RewrittenEvent[] = [];
  let isOver = false;
  const through = eachEvent(reader, after, holding(target), (event) => {
    if (event.type === REMOVED_EVENT && event.data.removal_id === id) {
      isOver = true;
      return true;
    }
    const redacted = redactEvent(event, target);
    if (redacted !== undefined) events.push({ seq: event.seq, event: encoded(redacted) });
    // A message is in one event, and nothing of it is behind that.
    isOver = target.kind === 'message' && event.type === placeOf(target).type;
    return isOver || events.length === REWRITTEN_PER_TURN;
  });
  return { next: through.next, isEnd: isOver || (through.isEnd && events.length < REWRITTEN_PER_TURN), events };
}

function lookInInbox(reader: StoreReader, { agent, id, after }: Looks['inbox']['asked']): Looks['inbox']['found'] {
  const { end } = rangeOf(['inbox', agent]);
  const needle = Buffer.from(id);
  let next = after;
  for (let bytes = 0; bytes < SLICE_BYTES_MAX; ) {
    const rows = reader.range({ start: encodeKey(['inbox', agent, next + 1]), end, limit: ROWS_PER_READ });
    for (const { key, value } of rows) {
      bytes += value.length;
      next = Number(decodeKey(key)[2]);
      if (!bufferOf(value).includes(needle)) continue;
      if ((decodeValue(value) as InboxRow).messageId === id) return { next, isEnd: true, seq: next };
    }
    if (rows.length < ROWS_PER_READ) return { next, isEnd: true, seq: undefined };
  }
  return { next, isEnd: false, seq: undefined };
}

/** How the log has the member that names the target: its name, and the text behind it. */
export function holding(target: RemovalTarget): Buffer {
  return Buffer.concat([encodeValue(placeOf(target).name), encodeValue(target.id)]);
}

/** Visits the events behind `after` that hold these bytes, until the slice is full or `visit` says that it is enough. */
function eachEvent(
  reader: StoreReader,
  after: number,
  needle: Buffer,
  visit: (event: LoggedEvent) => boolean,
): LookedThrough {
  const { end } = rangeOf([EVENT_TABLE]);
  let next = after;
  for (let bytes = 0; bytes < SLICE_BYTES_MAX; ) {
    const rows = reader.range({ start: encodeKey([EVENT_TABLE, next + 1]), end, limit: ROWS_PER_READ });
    for (const { key, value } of rows) {
      const last = Number(decodeKey(key)[1]);
      bytes += value.length;
      if (bufferOf(value).includes(needle)) {
        for (const event of eventsOf(last, value)) {
          if (event.seq <= next || !bufferOf(event.value).includes(needle)) continue;
          if (visit(logged(event))) return { next: event.seq, isEnd: true };
        }
      }
      next = last;
    }
    if (rows.length < ROWS_PER_READ) return { next, isEnd: true };
  }
  return { next, isEnd: false };
}

/** Halves the log: some 25 reads of one row. */
function lastBefore(reader: StoreReader, at: number): number {
  const { end } = rangeOf([EVENT_TABLE]);
  let low = 0;
  let high = readMetaNumber(reader, META_SEQ) ?? 0;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [row] = reader.range({ start: encodeKey([EVENT_TABLE, middle]), end, limit: 1 });
    const events = row === undefined ? [] : eventsOf(Number(decodeKey(row.key)[1]), row.value);
    // Where the log begins later than there, its first event stands for what is not kept any more.
    const event = events.find(({ seq }) => seq >= middle);
    if (event !== undefined && eventHead(event.value) !== undefined && logged(event).at < at) low = middle;
    else high = middle - 1;
  }
  return low;
}

function encoded({ at, type, about, data }: LoggedEvent): Uint8Array {
  return encodeValue([at, type, about, data]);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
