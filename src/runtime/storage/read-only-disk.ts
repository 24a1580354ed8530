// Read-only disk
//
// The files of a directory that belongs to somebody else, who may be writing them: nothing is made in it, not even the
// directory itself. One that is not there holds no files.

import { existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DiskFile, type DiskReader, RealFile } from './disk.js';

export class ReadOnlyDisk implements DiskReader {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  list(): string[] {
    return existsSync(this.#directory) ? readdirSync(this.#directory) : [];
  }

  open(name: string): DiskFile {
    return new RealFile(name, openSync(join(this.#directory, name), 'r'));
  }
}
