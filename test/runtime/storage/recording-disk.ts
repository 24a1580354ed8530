// Recording disk
//
// A Disk in memory that keeps apart what it was told and what it certainly has, so that a test can take its power at any
// point, and that fails when the test says so.
//
//     write ──▶ cache (what reads see) + pending ──flush──▶ durable
//                                        │ power cut: any subset of the sectors that are pending
//
// RD1. After a power cut a file has everything up to its last flush, and of what was written later any subset of sectors.
// RD2. After a power cut a name that was made or removed since the last flushNames() is there or not.
// RD3. After a flush that failed, reads see what was written, any subset of it is on the medium, and no later flush
//      writes it again: that is how Linux does it.
//
// Buffers are never changed, only replaced: copies of a disk share them.

import type { Disk, DiskFile } from '../../../src/runtime/storage/disk.js';
import type { Random } from '../../fuzz/random.js';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

export type Operation =
  | { readonly kind: 'create' | 'remove' | 'flush' | 'open' | 'read'; readonly name: string }
  | { readonly kind: 'write'; readonly name: string; readonly at: number; readonly length: number }
  | { readonly kind: 'flushNames' };

export interface Fault {
  readonly code: 'EIO' | 'ENOSPC' | 'EROFS' | 'EMFILE';
  /** Of a write: the bytes that were taken before it failed. */
  readonly taken?: number;
}

interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** One file, under whatever name. */
interface Content {
  cache: Buffer;
  durable: Buffer;
  pending: Piece[];
}

type Names = Map<string, Content>;

export class RecordingDisk implements Disk {
  /** Everything that changed something, or tried to; reads are not among them. */
  readonly operations: Operation[] = [];
  /** Asked before each operation. */
  faultOf: (operation: Operation) => Fault | undefined = () => undefined;
  /** Called after each operation that is recorded: the power may be cut here. */
  afterEach: (operation: Operation) => void = () => undefined;
  readonly #random: Random;
  #names: Names = new Map();
  #durableNames: Names = new Map();

  /** `random` chooses what a failed flush leaves on the medium (RD3). */
  constructor(random: Random) {
    this.#random = random;
  }

  list(): string[] {
    return [...this.#names.keys()];
  }

  open(name: string): DiskFile {
    this.#mayFail({ kind: 'open', name });
    return this.#file(name, this.#content(name));
  }

  create(name: string): DiskFile {
    const content: Content = { cache: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
    this.#perform({ kind: 'create', name }, () => this.#names.set(name, content));
    return this.#file(name, content);
  }

  remove(name: string): void {
    this.#perform({ kind: 'remove', name }, () => this.#names.delete(name));
  }

  flushNames(): void {
    this.#perform({ kind: 'flushNames' }, () => {
      this.#durableNames = new Map(this.#names);
    });
  }

  /** What a process sees that starts after this one was killed: everything, with nothing more of it durable than before. */
  copy(random: Random): RecordingDisk {
    const copies = new Map<Content, Content>();
    const copied = ([name, content]: [string, Content]): [string, Content] => {
      const copy = copies.get(content) ?? { ...content, pending: [...content.pending] };
      copies.set(content, copy);
      return [name, copy];
    };
    const disk = new RecordingDisk(random);
    disk.#names = new Map([...this.#names].map(copied));
    disk.#durableNames = new Map([...this.#durableNames].map(copied));
    return disk;
  }

  /** What is there when the power is back: one of many possible states (RD1, RD2). */
  afterPowerCut(random: Random): RecordingDisk {
    const disk = new RecordingDisk(random);
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const [before, after] = [this.#durableNames.get(name), this.#names.get(name)];
      const content = before === after || random.oneIn(2) ? after : before;
      if (content === undefined) continue;
      const bytes = survivors(content, random);
      disk.#names.set(name, { cache: bytes, durable: bytes, pending: [] });
    }
    disk.#durableNames = new Map(disk.#names);
    return disk;
  }

  /** The bytes of a file, as a reader sees them. */
  bytesOf(name: string): Buffer {
    return this.#content(name).cache;
  }

  /** The medium loses what was there, and has this instead. */
  overwrite(name: string, bytes: Uint8Array, at: number): void {
    const content = this.#content(name);
    const changed = patched(content.cache, [{ at, bytes: Buffer.from(bytes) }]);
    content.cache = changed;
    content.durable = changed;
  }

  #content(name: string): Content {
    const content = this.#names.get(name);
    if (content === undefined) throw Object.assign(new Error(`ENOENT: no such file, ${name}`), { code: 'ENOENT' });
    return content;
  }

  #file(name: string, content: Content): DiskFile {
    return {
      name,
      size: content.cache.length,
      write: (bytes, length, at) => this.#write(name, content, Buffer.from(bytes.subarray(0, length)), at),
      read: (into, at) => {
        this.#mayFail({ kind: 'read', name });
        return content.cache.subarray(at, at + into.length).copy(into);
      },
      flush: () => this.#flush(name, content),
      close: () => undefined,
    };
  }

  #write(name: string, content: Content, bytes: Buffer, at: number): void {
    const take = (taken: Buffer) => {
      content.pending.push({ at, bytes: taken });
      content.cache = patched(content.cache, [{ at, bytes: taken }]);
    };
    this.#perform(
      { kind: 'write', name, at, length: bytes.length },
      () => take(bytes),
      ({ taken = 0 }) => take(bytes.subarray(0, taken)),
    );
  }

  #flush(name: string, content: Content): void {
    const settle = (durable: Buffer) => {
      content.durable = durable;
      content.pending = [];
    };
    this.#perform(
      { kind: 'flush', name },
      () => {
        const durable = patched(content.durable, content.pending);
        // The same bytes are kept once.
        settle(durable.equals(content.cache) ? content.cache : durable);
      },
      () => settle(survivors(content, this.#random)),
    );
  }

  #perform(operation: Operation, change: () => void, failed: (fault: Fault) => void = () => undefined): void {
    this.operations.push(operation);
    const fault = this.faultOf(operation);
    if (fault === undefined) change();
    else failed(fault);
    this.afterEach(operation);
    if (fault !== undefined) throw errorOf(fault, operation);
  }

  #mayFail(operation: Operation): void {
    const fault = this.faultOf(operation);
    if (fault !== undefined) throw errorOf(fault, operation);
  }
}

function errorOf({ code }: Fault, { kind }: Operation): Error {
  return Object.assign(new Error(`${code}: ${kind}`), { code });
}

function patched(bytes: Buffer, pieces: readonly Piece[]): Buffer {
  const size = Math.max(bytes.length, ...pieces.map((piece) => piece.at + piece.bytes.length));
  // What a file grows over without being written is zeros.
  const after = Buffer.alloc(size);
  bytes.copy(after);
  for (const piece of pieces) piece.bytes.copy(after, piece.at);
  return after;
}

/** The durable part, and of what is pending those sectors that this time reached the medium. */
function survivors({ durable, pending }: Content, random: Random): Buffer {
  const sectors = pending.flatMap(({ at, bytes }) => {
    const parts: Piece[] = [];
    for (let from = 0; from < bytes.length; ) {
      const end = Math.min(bytes.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES));
      parts.push({ at: at + from, bytes: bytes.subarray(from, end) });
      from = end;
    }
    return parts;
  });
  return sectors.length === 0 ? durable : patched(durable, sectors.filter(choice(sectors.length, random)));
}

/** Near misses are as likely as chaos: nothing, all, a beginning, an end, all but one, or every sector by itself. */
function choice(count: number, random: Random): (piece: Piece, index: number) => boolean {
  const chosen = random.below(count);
  switch (random.below(6)) {
    case 0:
      return () => false;
    case 1:
      return () => true;
    case 2:
      return (_, index) => index < chosen;
    case 3:
      return (_, index) => index > chosen;
    case 4:
      return (_, index) => index !== chosen;
    default:
      return () => random.oneIn(2);
  }
}
