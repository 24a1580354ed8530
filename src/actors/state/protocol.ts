// What may be said to a partition of the shared state. Key: the partition's number in decimal.

import { protocol, type Streamed } from '../../runtime/actor.js';
import type { Removal, RemovalOrder } from '../removal/protocol.js';

/** Keys are spread over this many actors; the tables do not know it, so it may change between releases. */
export const STATE_PARTITIONS = 64;

/** The partition actor that owns a key: FNV-1a over its UTF-16 units. */
export function partitionOf(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return String(((hash >>> 16) ^ hash) & (STATE_PARTITIONS - 1));
}

/** Distinct prefixes that may be watched at once, of all sessions together. */
export const PREFIXES_MAX = 10_000;

/** Counters kept in the commit of each write (runtime/counters.ts). */
export const STATE_BYTES = 'state_bytes';
export const STATE_KEYS = 'state_keys';

export interface StateEntry {
  readonly key: string;
  readonly value: string;
  /** Changes with every write, also when the value does not. Without the quotes that HTTP puts around it. */
  readonly etag: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** An admin removed the value; what stands in its place is `value`. */
  readonly redacted?: true;
}

/** A compare-and-set: `match` an etag (or `*`, anything there), or `none` there at all. */
export type Condition = { readonly kind: 'match'; readonly etag: string } | { readonly kind: 'none' };

export interface StateChange {
  readonly key: string;
  /** Null when it was deleted. */
  readonly etag: string | null;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What comes out of a followed partition: first `following`, then every change of a watched key, after its commit. */
export type FollowItem = { readonly kind: 'following' } | { readonly kind: 'change'; readonly change: StateChange };

export type StateMessages = {
  readonly get: { readonly args: { readonly key: string }; readonly reply: StateEntry };
  /** Refused with CONFLICT (param `etag`: the current one, `''` when there is none) or STORE_FULL. */
  readonly put: {
    readonly args: {
      readonly key: string;
      readonly value: string;
      readonly by: string;
      readonly condition: Condition | null;
    };
    readonly reply: { readonly etag: string; readonly at: number };
  };
  readonly delete: {
    readonly args: { readonly key: string; readonly by: string; readonly condition: Condition | null };
    readonly reply: { readonly at: number };
  };
  /**
   * The value of a key is removed; the key stays. Where there is no value, or it was removed before, `loggedHash` says that
   * the event log holds one all the same: then that is what is removed. Null: it holds none. Answered with the record, and
   * with that of the last removal, or null, where there was nothing to remove.
   */
  readonly remove: {
    readonly args: { readonly key: string; readonly loggedHash: string | null; readonly order: RemovalOrder };
    readonly reply: { readonly removal: Removal | null; readonly isNew: boolean };
  };
  /**
   * The changes in this partition of keys under `prefixes`, and those that `watch` adds. One follower: a new one takes the
   * place of the one before, whose stream ends.
   */
  readonly follow: { readonly args: { readonly prefixes: readonly string[] }; readonly reply: Streamed<FollowItem> };
  /** Answered when every later change of a key under it will be told. Refused with OVERLOADED past PREFIXES_MAX. */
  readonly watch: { readonly args: { readonly prefix: string }; readonly reply: null };
  readonly unwatch: { readonly args: { readonly prefix: string }; readonly reply: null };
  /** Keys of all partitions in byte order; any partition can answer. `next` is the last key, or null at the end. */
  readonly list: {
    readonly args: { readonly prefix: string; readonly after: string | null; readonly limit: number };
    readonly reply: { readonly keys: readonly string[]; readonly next: string | null; readonly total: number };
  };
};

export const stateProtocol = protocol<StateMessages>('state', [
  'get',
  'put',
  'delete',
  'remove',
  'list',
  'follow',
  'watch',
  'unwatch',
]);
