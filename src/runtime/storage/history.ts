// History
//
// The name of the history that a data directory holds: whoever counts in it can tell whether what it remembers is of this
// history or of another.
//
// It is a file of its own, `history`, beside tables and journal: what is copied or cut has it emptied, and gets a new name
// at its next start.
//
// HI1. A directory keeps its name as long as nothing that was acknowledged in it can be missing.
// HI2. A copy of a directory (troupe backup), and one whose journal was repaired, have another name at their next start: two
//      histories that went on from one point are not the same.

import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { flush } from './flush.js';

const NAME = /^[0-9a-f]{32}$/;

/** The name of the history in a data directory; a new one, on the disk when this returns, where there is none. */
export function openHistory(directory: string): string {
  const known = readName(join(directory, 'history'));
  if (known !== undefined) return known;
  const name = randomBytes(16).toString('hex');
  write(directory, name);
  return name;
}

/** What comes after this in the directory is another history (HI2). */
export function endHistory(directory: string): void {
  write(directory, '');
}

function readName(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'latin1').trim();
    return NAME.test(text) ? text : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function write(directory: string, name: string): void {
  const path = join(directory, 'history');
  const descriptor = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(descriptor, name);
  } finally {
    closeSync(descriptor);
  }
  flush(`${path}.new`);
  renameSync(`${path}.new`, path);
  flush(directory);
}
