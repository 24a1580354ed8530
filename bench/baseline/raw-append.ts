// Raw append
//
// What the disk alone allows: the bytes of a group written at the end of one file, and one fdatasync.

import { closeSync, fdatasyncSync, fstatSync, openSync, writeSync } from 'node:fs';

export class RawAppend {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Durable when it returns. */
  append(bytes: Uint8Array): void {
    writeSync(this.#file, bytes);
    fdatasyncSync(this.#file);
  }

  get sizeBytes(): number {
    return fstatSync(this.#file).size;
  }

  close(): void {
    closeSync(this.#file);
  }
}
