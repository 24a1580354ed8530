// Disk (port)
//
// The few things that a journal asks of a file system, in one directory: so that tests can record what was written and
// flushed, lose it at any point, and fail it.
//
// DK1. What write() has taken is on the disk when a flush() of that file after it has returned; before that any part of
//      it may be there.
// DK2. A name is on the disk when a flushNames() after create() or remove() has returned.
// DK3. Whatever a system call refuses is thrown; nothing is tried again here.

import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { flush } from './flush.js';

export interface DiskFile {
  readonly name: string;
  /** In bytes, when it was opened. */
  readonly size: number;
  /** The first `length` bytes, all of them, at this place. Blocks; grows the file if need be. */
  write(bytes: Uint8Array, length: number, at: number): void;
  /** Fills `into` from this place; how many bytes there were. */
  read(into: Uint8Array, at: number): number;
  /** Blocks until the disk has it (DK1). */
  flush(): void;
  close(): void;
}

export interface Disk {
  /** Names of all files. */
  list(): string[];
  open(name: string): DiskFile;
  /** An empty file; what was there under this name is gone. */
  create(name: string): DiskFile;
  remove(name: string): void;
  /** Blocks until the disk has the names (DK2). */
  flushNames(): void;
}

/** What a reader needs of it. */
export type DiskReader = Pick<Disk, 'list' | 'open'>;

/** By its open descriptor; what that does not allow is thrown. */
export class RealFile implements DiskFile {
  readonly name: string;
  readonly size: number;
  readonly #descriptor: number;

  constructor(name: string, descriptor: number) {
    this.name = name;
    this.#descriptor = descriptor;
    this.size = fstatSync(descriptor).size;
  }

  write(bytes: Uint8Array, length: number, at: number): void {
    let written = 0;
    // A system call may take less than it was given, and says so.
    while (written < length) written += writeSync(this.#descriptor, bytes, written, length - written, at + written);
  }

  read(into: Uint8Array, at: number): number {
    let found = 0;
    while (found < into.length) {
      const more = readSync(this.#descriptor, into, found, into.length - found, at + found);
      if (more === 0) break;
      found += more;
    }
    return found;
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The files of one directory, which is made when it is not there (mode 0700). */
export class RealDisk implements Disk {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  list(): string[] {
    return readdirSync(this.#directory);
  }

  open(name: string): DiskFile {
    return new RealFile(name, openSync(join(this.#directory, name), 'r+'));
  }

  create(name: string): DiskFile {
    return new RealFile(name, openSync(join(this.#directory, name), 'w+', 0o600));
  }

  remove(name: string): void {
    rmSync(join(this.#directory, name), { force: true });
  }

  flushNames(): void {
    flush(this.#directory);
  }
}
