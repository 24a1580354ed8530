// Raw flush
//
// What the disk takes for one durable write: a page written over bytes that are already on it, and one fdatasync. No
// block has to be found and no length changes, so nothing but the bytes themselves has to reach the disk.

import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';

const PAGE_BYTES = 4_096;
const FILE_PAGES = 4_096;

export class RawFlush {
  readonly #file: number;
  readonly #page = randomBytes(PAGE_BYTES);
  #flushes = 0;

  /** Makes a file of 16 MiB and writes all of it. */
  constructor(path: string) {
    this.#file = openSync(path, 'wx');
    for (let page = 0; page < FILE_PAGES; page++) writeSync(this.#file, this.#page, 0, PAGE_BYTES, page * PAGE_BYTES);
    fsyncSync(this.#file);
  }

  /** Page after page, from the beginning again at the end. Durable when it returns. */
  flush(): void {
    const place = (this.#flushes++ % FILE_PAGES) * PAGE_BYTES;
    // Other bytes each time, so that no layer below can find that there is nothing to write.
    this.#page.writeUInt32LE(this.#flushes, 0);
    writeSync(this.#file, this.#page, 0, PAGE_BYTES, place);
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
