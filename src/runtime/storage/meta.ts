// Meta
//
// Numbers that the store keeps about itself, under ['meta', …]: 8 big-endian bytes each, readable without the codec.

import { invariant } from '../../invariant.js';
import { encodeKey } from './keys.js';
import { StorageError } from './storage-error.js';
import type { StoreReader, WriteBatch } from './store.js';

/** What follows 'meta' in the key: `['schema']`, `['counter', 'accounts']`. */
export type MetaName = readonly string[];

/** The number, or undefined when it was never written. Throws a StorageError when something else lies there. */
export function readMetaNumber(store: StoreReader, name: MetaName): number | undefined {
  const value = store.get(encodeKey(['meta', ...name]));
  if (value === undefined) return undefined;
  const number = value.length === 8 ? decodeMetaNumber(value) : Number.NaN;
  if (!Number.isSafeInteger(number))
    throw new StorageError(`The store is damaged: meta ${name.join(' ')} is no number.`);
  return number;
}

/** `value` is a whole number from 0 to 2^53 - 1. */
export function writeMetaNumber(batch: WriteBatch, name: MetaName, value: number): void {
  invariant(Number.isSafeInteger(value) && value >= 0, () => `meta ${name.join(' ')} cannot hold ${value}.`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  batch.put(encodeKey(['meta', ...name]), bytes);
}

/** Of bytes that writeMetaNumber wrote. */
export function decodeMetaNumber(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
}
