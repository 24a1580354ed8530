// Raw read
//
// What must be done at least to trust the files of a directory: every byte read once, and put into a checksum.

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const PIECE_BYTES = 1024 * 1024;

/** Reads all files of the directory in pieces of 1 MiB; how many bytes they had. Blocks. */
export function readAll(directory: string): number {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let total = 0;
  for (const name of readdirSync(directory)) {
    const file = openSync(join(directory, name), 'r');
    let sum = 0;
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      sum = crc32(piece.subarray(0, read), sum);
      total += read;
    }
    closeSync(file);
  }
  return total;
}
