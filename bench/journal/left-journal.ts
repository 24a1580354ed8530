// Left journal
//
// The segments that a server leaves behind which was killed while nothing of them was in the tables: records as the
// actors write them, in groups as the journal makes them, each flushed.
//
// Owns:     the traffic, and the count of what must be in the tables when all of it is applied.
// Does not: read them back (recovery.bench.ts).

import type { HeadRow, InboxRow } from '../../src/actors/agent/inbox.js';
import type { StateRow } from '../../src/actors/state/state.js';
import { newId } from '../../src/ids.js';
import { SEGMENT_BYTES } from '../../src/journal-defaults.js';
import { Batch } from '../../src/runtime/batch.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { RealDisk } from '../../src/runtime/storage/disk.js';
import { GROUP_HEADER_BYTES, paged } from '../../src/runtime/storage/group-format.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { SegmentLog } from '../../src/runtime/storage/segment-log.js';

/** A busy server's group: 64 connections wait for the flush. */
const RECORDS_PER_GROUP = 64;

const STATE_KEYS = 20_000;
const STATE_VALUE = 's'.repeat(1024);
const INBOXES = 10_000;
const CONTENT = 'm'.repeat(200);
/** Has no divisor in common with either: neighbours in time are no neighbours in the tables. */
const STRIDE = 7_919;
/** Messages of other inboxes between a message and its taking: some 15 groups. */
const TAKEN_AFTER = 1_000;

const AT_MS = 1_704_067_200_000;
const BY = addressOf(0);

/** One kind of work of a server; told one record after the other. */
export interface Traffic {
  /** Writes the ops of the n-th record, from 0; how many events are among them. */
  write(writer: RecordWriter, n: number): number;
  /** The tables that it writes, beside the events, and their rows after so many records. */
  rows(records: number): ReadonlyMap<string, number>;
}

export interface LeftJournal {
  readonly directory: string;
  /** Of the segments, up to the end of the last group in each. */
  readonly bytes: number;
  readonly groups: number;
  readonly events: number;
  readonly rows: ReadonlyMap<string, number>;
}

/** Values of 1 KB, each also in its event, over and over to the same keys. */
export const stateWrites: Traffic = {
  write(writer, n) {
    const key = `item/${String((n * STRIDE) % STATE_KEYS).padStart(9, '0')}`;
    const bytes = STATE_VALUE.length;
    const row: StateRow = { value: STATE_VALUE, bytes, etag: newId(), by: BY, at: AT_MS + n };
    writer.put(encodeKey(['state', key]), encodeValue(row));
    event(writer, row.at, 'state_written', BY, { key, value: STATE_VALUE, value_length: bytes, written_by: BY });
    return 1;
  },
  rows: (records) => new Map([['state', Math.min(records, STATE_KEYS)]]),
};

/** Messages that stay where they are. */
export const messagesLeft: Traffic = {
  write(writer, n) {
    deliver(writer, n, Math.floor(n / INBOXES) + 1);
    return 1;
  },
  rows: (records) =>
    new Map([
      ['inbox', records],
      ['inbox_head', Math.min(records, INBOXES)],
    ]),
};

/** Messages of which each is taken while it is fresh: from TAKEN_AFTER on, one is taken, one delivered, in turn. */
export const messagesTaken: Traffic = {
  write(writer, n) {
    const late = n - TAKEN_AFTER;
    if (late < 0) deliver(writer, n, 1);
    else if (late % 2 === 0) take(writer, late / 2);
    else deliver(writer, TAKEN_AFTER + Math.floor(late / 2), 1);
    return 1;
  },
  rows(records) {
    const late = Math.max(0, records - TAKEN_AFTER);
    const delivered = records - Math.ceil(late / 2);
    return new Map([
      ['inbox', delivered - Math.ceil(late / 2)],
      ['inbox_head', Math.min(delivered, INBOXES)],
    ]);
  },
};

/** Fills `directory` with at least this many bytes of whole groups, each flushed. 1 GB takes some 10 s. */
export function leaveJournal(directory: string, traffic: Traffic, bytesMin: number): LeftJournal {
  const log = new SegmentLog(new RealDisk(directory), SEGMENT_BYTES);
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  let [bytes, groups, records, events] = [0, 0, 0, 0];
  while (bytes < bytesMin) {
    const seqBefore = events;
    for (const end = records + RECORDS_PER_GROUP; records < end; records++) {
      writer.begin();
      events += traffic.write(writer, records);
      writer.end({ slot: 0, epoch: 1 });
    }
    const group = new Uint8Array(batch.take());
    log.append({ number: ++groups, seqBefore }, [group], group.length);
    bytes += paged(GROUP_HEADER_BYTES + group.length);
  }
  log.close();
  return { directory, bytes, groups, events, rows: traffic.rows(records) };
}

function deliver(writer: RecordWriter, n: number, count: number): void {
  const [from, to] = [BY, addressOf((n * STRIDE) % INBOXES)];
  const row: InboxRow = { messageId: idOf(n), from, content: CONTENT, at: AT_MS + n, bytes: CONTENT.length };
  const seq = seqOf(n);
  writer.put(encodeKey(['inbox', to, seq]), encodeValue(row));
  putHead(writer, to, { nextSeq: seq + 1, count, bytes: count * CONTENT.length });
  const said = { message_id: row.messageId, from, to, content: CONTENT, content_length: CONTENT.length };
  event(writer, row.at, 'message_sent', from, said);
}

function take(writer: RecordWriter, n: number): void {
  const to = addressOf((n * STRIDE) % INBOXES);
  const seq = seqOf(n);
  writer.delete(encodeKey(['inbox', to, seq]));
  putHead(writer, to, { nextSeq: seq + 1, count: 0, bytes: 0 });
  event(writer, AT_MS + n, 'message_delivered', to, { message_id: idOf(n), to, delivery_method: 'pull' });
}

function putHead(writer: RecordWriter, inbox: string, head: HeadRow): void {
  writer.put(encodeKey(['inbox_head', inbox]), encodeValue(head));
}

function event(writer: RecordWriter, at: number, type: string, about: string, data: Readonly<Record<string, unknown>>) {
  writer.event(encodeValue([at, type, about, data]));
}

/** The n-th message is this one of its inbox. */
function seqOf(n: number): number {
  return Math.floor(n / INBOXES);
}

function addressOf(inbox: number): string {
  return `tab_${String(inbox).padStart(20, '0')}`;
}

function idOf(message: number): string {
  return `id-${String(message).padStart(33, '0')}`;
}
