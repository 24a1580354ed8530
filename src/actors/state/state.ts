// State
//
// One partition of the shared state: the only writer of the keys that hash to it (protocol.ts). It remembers none of them:
// the store's pages are its cache, so that a partition costs no memory however much it holds. What it remembers is who
// follows its changes.
//
//   absent ── put ──▶ present, etag e1 ── put ──▶ present, etag e2 ── delete ──▶ absent
//
// Owns:     entries, their etags, compare-and-set, the counters of keys and bytes.
// Does not: check the size of keys and values (the front door does), or say who may write.
//
// T1. STATE_KEYS and STATE_BYTES (key bytes + value bytes, in UTF-8) equal a recount after every commit.
// T2. Growth is admitted only while STATE_BYTES stays within the capacity. What does not grow always is, full or not.
// T3. No etag is given twice: not for the same value, not after a delete, not across restarts.
// T4. A refused write changes nothing. Each accepted one emits exactly one event.
// T5. The follower is told of each accepted write of a key that it watches, behind its commit; when the partition's life in
//     memory ends, its stream does, so that it knows that something may have been missed.
// T6. A value that was removed leaves its key, its writer and its time; the next put is a value like any other.

import { newId } from '../../ids.js';
import { contentHash, REDACTED, type RemovalTarget } from '../../redaction.js';
import {
  type Actor,
  actor,
  type Context,
  type Handler,
  type Key,
  LATER,
  type RangeQuery,
  type Refusal,
  refuse,
} from '../../runtime/actor.js';
import { lastRemoval, REMOVAL_TABLES, recordRemoval } from '../removal/protocol.js';
import {
  type Condition,
  PREFIXES_MAX,
  STATE_BYTES,
  STATE_KEYS,
  type StateChange,
  type StateMessages,
  stateProtocol,
} from './protocol.js';
import { Watching } from './watching.js';

export interface StateConfig {
  /** Key bytes + value bytes of all entries together. */
  readonly capacityBytes: number;
}

/** Table `state`. */
export interface StateRow {
  readonly value: string;
  /** UTF-8 bytes of `value`, counted once, when it was written. A value that was removed takes none. */
  readonly bytes: number;
  readonly etag: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** An admin removed the value; what stands in its place is `value`. */
  readonly redacted?: true;
}

/** The whole of a partition's memory. */
export interface PartitionState {
  watching: Watching | undefined;
}

/** Times 64 partitions: what all writers together may have waiting. A value is at most 1 MiB unless configured larger. */
const MAILBOX = { capacity: 1024, bytesMax: 8 * 1024 * 1024 } as const;
/** Matches any etag, where an entry is there at all. */
const ANY_ETAG = '*';

type On<K extends keyof StateMessages> = Handler<PartitionState, StateMessages, K>;

const NO_KEY = refuse('NOT_FOUND', { what: 'key' });
const FULL = refuse('STORE_FULL');
const TOLD = refuse('BAD_REQUEST', { reason: 'a follower asks, and does not tell' });
/** The partition lost its follower, who is on the way back. */
const NOBODY_FOLLOWS = refuse('WORKER_LOST');
const TOO_MANY = refuse('OVERLOADED', { what: `watched prefixes, ${PREFIXES_MAX} of all sessions` });

export function stateKind(config: StateConfig): Actor<PartitionState, StateMessages> {
  return actor({
    protocol: stateProtocol,
    persistence: 'keys',
    counters: [STATE_BYTES, STATE_KEYS],
    tables: ['state', ...REMOVAL_TABLES],
    mailbox: MAILBOX,
    state: (): PartitionState => ({ watching: undefined }),
    reads: { list: () => [['state']] },
    residentBytes: ({ watching }) => watching?.residentBytes ?? 0,
    messages: { get, put: putWithin(config.capacityBytes), delete: deleteKey, remove, list, follow, watch, unwatch },
  });
}

const get: On<'get'> = (context, { key }) => {
  const row = context.store.get(['state', key]) as StateRow | undefined;
  if (row === undefined) return NO_KEY;
  const { value, etag, by, at, redacted } = row;
  return redacted === true ? { key, value, etag, by, at, redacted } : { key, value, etag, by, at };
};

function putWithin(capacityBytes: number): On<'put'> {
  return (context, { key, value, by, condition }) => {
    const place: Key = ['state', key];
    const row = context.store.get(place) as StateRow | undefined;
    const conflict = condition === null ? undefined : conflictOf(condition, row);
    if (conflict !== undefined) return conflict;

    const bytes = Buffer.byteLength(value);
    const growth = row === undefined ? Buffer.byteLength(key) + bytes : bytes - row.bytes;
    if (growth > 0) {
      if (!context.store.reserve(STATE_BYTES, growth, capacityBytes)) return FULL;
    } else if (growth < 0) {
      context.store.add(STATE_BYTES, growth);
    }
    if (row === undefined) context.store.add(STATE_KEYS, 1);

    const written: StateRow = { value, bytes, etag: newId(), by, at: context.now };
    context.store.put(place, written);
    context.emit('state_written', by, { key, value, value_length: bytes, written_by: by });
    tellFollower(context, { key, etag: written.etag, by, at: written.at });
    return { etag: written.etag, at: written.at };
  };
}

const deleteKey: On<'delete'> = (context, { key, by, condition }) => {
  const place: Key = ['state', key];
  const row = context.store.get(place) as StateRow | undefined;
  const conflict = condition === null ? undefined : conflictOf(condition, row);
  if (conflict !== undefined) return conflict;
  if (row === undefined) return NO_KEY;

  context.store.add(STATE_BYTES, -(Buffer.byteLength(key) + row.bytes));
  context.store.add(STATE_KEYS, -1);
  context.store.delete(place);
  context.emit('state_deleted', by, { key, deleted_by: by });
  tellFollower(context, { key, etag: null, by, at: context.now });
  return { at: context.now };
};

const remove: On<'remove'> = (context, { key, loggedHash, order }) => {
  const place: Key = ['state', key];
  const target: RemovalTarget = { kind: 'key', id: key };
  const row = context.store.get(place) as StateRow | undefined;
  const isThere = row !== undefined && row.redacted !== true;
  const hash = isThere ? contentHash(row.value) : loggedHash;
  if (hash === null) return { removal: lastRemoval(context.store, target) ?? null, isNew: false };
  if (isThere) {
    const etag = newId();
    context.store.add(STATE_BYTES, -row.bytes);
    context.store.put(place, { ...row, value: REDACTED, bytes: 0, etag, redacted: true } satisfies StateRow);
    tellFollower(context, { key, etag, by: order.by, at: context.now });
  }
  return { removal: recordRemoval(context, order, target, hash), isNew: true };
};

/** A prefix costs a walk over its keys for the total; without one the total is the counter. */
const list: On<'list'> = (context, { prefix, after, limit }) => {
  const everything = prefix === '';
  const query: Omit<RangeQuery, 'limit'> = everything ? { under: ['state'] } : { under: ['state'], prefix };
  const found = context.store.rangeKeys({
    ...query,
    limit: limit + 1,
    ...(after !== null && { after: ['state', after] }),
  });
  const keys = found.slice(0, limit).map((key) => String(key[1]));
  return {
    keys,
    next: found.length > limit ? keys.at(-1)! : null,
    total: everything ? context.store.counter(STATE_KEYS) : context.store.count(query),
  };
};

const follow: On<'follow'> = (context, { prefixes }) => {
  const handle = context.replyHandle();
  if (handle === undefined) return TOLD;
  if (new Set(prefixes).size > PREFIXES_MAX) return TOO_MANY;
  const { state } = context;
  if (state.watching !== undefined) context.reply(state.watching.follower, null);
  state.watching = new Watching(handle, prefixes);
  context.push(handle, { kind: 'following' });
  return LATER;
};

const watch: On<'watch'> = ({ state }, { prefix }) => {
  if (state.watching === undefined) return NOBODY_FOLLOWS;
  return state.watching.add(prefix) ? null : TOO_MANY;
};

const unwatch: On<'unwatch'> = ({ state }, { prefix }) => {
  state.watching?.remove(prefix);
  return null;
};

function tellFollower(context: Context<PartitionState, StateMessages>, change: StateChange): void {
  const { state } = context;
  if (state.watching === undefined || !state.watching.matches(change.key)) return;
  if (!context.push(state.watching.follower, { kind: 'change', change })) state.watching = undefined;
}

function conflictOf(condition: Condition, row: StateRow | undefined): Refusal | undefined {
  switch (condition.kind) {
    case 'none':
      if (row === undefined) return undefined;
      return refuse('CONFLICT', { reason: 'the key exists already', etag: row.etag });
    case 'match':
      if (row === undefined) return refuse('CONFLICT', { reason: 'there is no such key', etag: '' });
      if (condition.etag === ANY_ETAG || condition.etag === row.etag) return undefined;
      return refuse('CONFLICT', { reason: 'the key was written since', etag: row.etag });
    default:
      return condition satisfies never;
  }
}
