// Removals, as the actors that hold contents record them, and what may be said to the one that sees them through. Key of
// that one: `log`.
//
//   removed from its row, recorded, one event ──▶ due ── the log holds it no more, nor do the journal's files ──▶ done
//
// RM1. The record, its event and the effect on the row are in one commit. What is due is in it too: a removal that was
//      begun is seen through, whatever happens to the process.

import type { RemovalTarget } from '../../redaction.js';
import { type Context, type Key, protocol, type StoreReads } from '../../runtime/actor.js';

export const REMOVAL_LOG = 'log';
/** Which a kind declares that records removals. */
export const REMOVAL_TABLES: readonly string[] = ['removal', 'removal_of', 'removal_due'];
export const REMOVED_EVENT = 'content_removed';
/** Events that are rewritten in one commit. */
export const REWRITTEN_PER_TURN = 256;

/** What the admin asks for. */
export interface RemovalOrder {
  /** A UUIDv7: records are listed in the order of it. */
  readonly id: string;
  readonly reason: string;
  readonly by: string;
}

/** Table `removal`. */
export interface RemovalRow {
  readonly target: RemovalTarget;
  readonly reason: string;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** SHA-256 in hex; of a key: of the last value that it had. */
  readonly contentHash: string;
}

export interface Removal extends RemovalRow {
  readonly id: string;
}

/** Table `removal_due`: the events that hold it are still to be rewritten. */
export interface DueRemoval {
  readonly id: string;
  readonly target: RemovalTarget;
}

export interface RewrittenEvent {
  readonly seq: number;
  /** As the log has it. */
  readonly event: Uint8Array;
}

export type RemovalMessages = {
  /** At most REWRITTEN_PER_TURN events hold something else from now on. */
  readonly rewrite: { readonly args: { readonly events: readonly RewrittenEvent[] }; readonly reply: null };
  readonly done: { readonly args: { readonly id: string }; readonly reply: null };
  /** The oldest that are due, at most `limit`. */
  readonly due: {
    readonly args: { readonly limit: number };
    readonly reply: { readonly removals: readonly DueRemoval[] };
  };
};

export const removalProtocol = protocol<RemovalMessages>('removal', ['rewrite', 'done', 'due']);

/** Puts the record, its event and what is due into this turn's commit (RM1). */
export function recordRemoval(
  context: Pick<Context, 'now' | 'store' | 'emit'>,
  { id, reason, by }: RemovalOrder,
  target: RemovalTarget,
  contentHash: string,
): Removal {
  const row: RemovalRow = { target, reason, by, at: context.now, contentHash };
  context.store.put(['removal', id], row);
  context.store.put(['removal_of', target.kind, target.id, id], row.at);
  context.store.put(['removal_due', id], target);
  context.emit(REMOVED_EVENT, null, {
    removal_id: id,
    ...(target.kind === 'message' ? { message_id: target.id } : { key: target.id }),
    reason,
    content_hash: contentHash,
    performed_by: by,
  });
  return { id, ...row };
}

/** The newest removal of this target. */
export function lastRemoval(store: StoreReads, target: RemovalTarget): Removal | undefined {
  const under: Key = ['removal_of', target.kind, target.id];
  const [key] = store.rangeKeys({ under, limit: 1, reverse: true });
  const id = key === undefined ? undefined : String(key[3]);
  return id === undefined ? undefined : { id, ...(store.get(['removal', id]) as RemovalRow) };
}
