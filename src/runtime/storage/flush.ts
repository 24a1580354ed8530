// Flush: the disk has it, or an error says why not.

import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes a file's bytes, or the names in a directory, survive a loss of power. Blocks until the disk has them. */
export function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
