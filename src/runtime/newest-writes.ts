// Newest writes
//
// Of many writes, the newest of each key. A hundred thousand of them are kept for as long as a transaction is put
// together; as objects they would be copied by the garbage collector and found by strings made for it, which was measured
// to cost more than all else on the way from the journal to the tables. So they are numbers in two arrays: the place of
// key and value in the buffer that they came in.
//
//     slots, by the hash of the key ──▶ entry: hash · number of its buffer · key from · key to · value to
//
// Owns:     which write of a key is the newest, and the buffers with them: their owner must not change them.
// Does not: copy bytes, or know what they mean.
//
// NW1. writeTo() writes each key once, with what its last write said, in the order of the first writes.

import type { WriteBatch } from './storage/store.js';
import { hashOf } from './write-set.js';

/** Entries that there is room for at first: a power of two, as every size is. */
const SIZE_MIN = 1024;
/** Slots for each entry that there is room for: with half of them free, a key is found after one and a half looks. */
const SLOTS_PER_ENTRY = 2;
/** The numbers of an entry. */
const HASH = 0;
const SOURCE = 1;
const KEY_AT = 2;
const KEY_END = 3;
const VALUE_END = 4;
const ENTRY_NUMBERS = 5;
/** In place of where the value ends. */
const DELETED = -1;

export class NewestWrites {
  readonly #sources: Buffer[] = [];
  #size = SIZE_MIN;
  #entries = new Int32Array(SIZE_MIN * ENTRY_NUMBERS);
  /** Behind the last entry. */
  #used = 0;
  /** Where the entry begins, and one more; 0 is a free slot. */
  #slots = new Int32Array(SIZE_MIN * SLOTS_PER_ENTRY);

  /** The key is [keyAt, keyEnd) of these bytes, the value [keyEnd, end). Keeps the bytes, not a copy. */
  put(bytes: Buffer, keyAt: number, keyEnd: number, end: number): void {
    this.#set(bytes, keyAt, keyEnd, end);
  }

  delete(bytes: Buffer, keyAt: number, keyEnd: number): void {
    this.#set(bytes, keyAt, keyEnd, DELETED);
  }

  /** A put or a delete of each key (NW1). */
  writeTo(batch: WriteBatch): void {
    const entries = this.#entries;
    for (let at = 0; at < this.#used; at += ENTRY_NUMBERS) {
      const source = this.#sources[entries[at + SOURCE]!]!;
      const keyEnd = entries[at + KEY_END]!;
      const end = entries[at + VALUE_END]!;
      const key = source.subarray(entries[at + KEY_AT]!, keyEnd);
      if (end === DELETED) batch.delete(key);
      else batch.put(key, source.subarray(keyEnd, end));
    }
  }

  #set(bytes: Buffer, keyAt: number, keyEnd: number, end: number): void {
    if (this.#sources.at(-1) !== bytes) this.#sources.push(bytes);
    const hash = hashOf(bytes, keyAt, keyEnd);
    const at = this.#place(bytes, keyAt, keyEnd, hash);
    const entries = this.#entries;
    entries[at + HASH] = hash;
    entries[at + SOURCE] = this.#sources.length - 1;
    entries[at + KEY_AT] = keyAt;
    entries[at + KEY_END] = keyEnd;
    entries[at + VALUE_END] = end;
  }

  /** Where the entry of a key begins; of a new key, the next one. */
  #place(bytes: Buffer, keyAt: number, keyEnd: number, hash: number): number {
    if (this.#used === this.#size * ENTRY_NUMBERS) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = slots[slot]! - 1;
      if (this.#entries[at + HASH] === hash && this.#isKey(at, bytes, keyAt, keyEnd)) return at;
    }
    const at = this.#used;
    slots[slot] = at + 1;
    this.#used += ENTRY_NUMBERS;
    return at;
  }

  #isKey(at: number, bytes: Buffer, keyAt: number, keyEnd: number): boolean {
    const from = this.#entries[at + KEY_AT]!;
    const length = keyEnd - keyAt;
    if (this.#entries[at + KEY_END]! - from !== length) return false;
    const source = this.#sources[this.#entries[at + SOURCE]!]!;
    for (let i = 0; i < length; i++) if (source[from + i] !== bytes[keyAt + i]) return false;
    return true;
  }

  #grow(): void {
    this.#size *= 2;
    const entries = new Int32Array(this.#size * ENTRY_NUMBERS);
    entries.set(this.#entries);
    const slots = new Int32Array(this.#size * SLOTS_PER_ENTRY);
    const mask = slots.length - 1;
    for (let at = 0; at < this.#used; at += ENTRY_NUMBERS) {
      let slot = entries[at + HASH]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = at + 1;
    }
    this.#entries = entries;
    this.#slots = slots;
  }
}
