// Removal reader
//
// What was removed, when and why, as everybody who may look sees it.

import type { Removal, RemovalRow } from '../../actors/removal/protocol.js';
import { timestamp } from '../../clock.js';
import type { ContentRemoved, Transparency } from '../../contract/removal.js';
import type { RemovalTarget } from '../../redaction.js';
import { decodeValue } from '../../runtime/codec.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from '../../runtime/storage/keys.js';
import type { StoreReader } from '../../runtime/storage/store.js';
import { cursorOf } from '../kernel/page-cursor.js';
import type { Reading } from './protocol.js';

const TABLE = 'removal';

export function readRemovals(reader: StoreReader, { after, limit }: Reading & { kind: 'removals' }): Transparency {
  const { start, end } = rangeOf([TABLE]);
  const from = after === null ? start : afterKey(encodeKey([TABLE, after]));
  const rows = reader.range({ start: from, end, limit: limit + 1 });
  const removals = rows.slice(0, limit).map(({ key, value }) => contentRemoved(removalOf(key, value)));
  return {
    removals,
    total: reader.count(start, end),
    next_cursor: rows.length > limit ? cursorOf(removals.at(-1)!.removal_id) : null,
  };
}

/** The newest removal of this target. */
export function readLastRemoval(reader: StoreReader, target: RemovalTarget): Removal | undefined {
  const [newest] = reader.rangeKeys({ ...rangeOf(['removal_of', target.kind, target.id]), limit: 1, reverse: true });
  if (newest === undefined) return undefined;
  const key = encodeKey([TABLE, String(decodeKey(newest)[3])]);
  const value = reader.get(key);
  return value === undefined ? undefined : removalOf(key, value);
}

export function contentRemoved({ id, target, reason, by, at, contentHash }: Removal): ContentRemoved {
  return {
    removal_id: id,
    ts: timestamp(at),
    ...(target.kind === 'key'
      ? { action: 'remove_state', key: target.id }
      : { action: 'remove_message', message_id: target.id }),
    reason,
    performed_by: by,
    content_hash: contentHash,
  };
}

function removalOf(key: Uint8Array, value: Uint8Array): Removal {
  return { id: String(decodeKey(key)[1]), ...(decodeValue(value) as RemovalRow) };
}
