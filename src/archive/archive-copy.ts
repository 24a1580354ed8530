// Archive copy
//
// The archives that belong to a copy of a data directory: those with events that its tables do not have.

import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { flush } from '../runtime/storage/flush.js';
import { listArchives } from './archive-file.js';

export interface CopiedArchives {
  readonly files: number;
  /** The first event that is in none of them, though not in the tables either; undefined: there is none. */
  readonly missingFrom: number | undefined;
}

/**
 * `trimmed`: the last event that the tables of the copy do not have, which was archived before they were copied. What was
 * archived since is in its tables, and stays here. The disk has the copies when it returns.
 */
export function copyArchives(from: string, to: string, trimmed: number): CopiedArchives {
  const files = listArchives(from).filter(({ first }) => first <= trimmed);
  let next = 1;
  let missingFrom: number | undefined;
  if (files.length > 0) mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const { path, first, last } of files) {
    if (first > next) missingFrom ??= next;
    next = Math.max(next, last + 1);
    const copy = join(to, basename(path));
    copyFileSync(path, copy);
    flush(copy);
  }
  if (files.length > 0) flush(to);
  if (next <= trimmed) missingFrom ??= next;
  return { files: files.length, missingFrom };
}
