// What the main thread and the archivist's thread say to each other.

import type { MessagePort } from 'node:worker_threads';
import type { Looked, RetentionPolicy } from './archivist.js';

export interface ArchivistThreadData {
  /** Where the tables are. */
  readonly directory: string;
  readonly archiveDirectory: string;
  readonly policy: RetentionPolicy;
  /** To the applier. */
  readonly trims: MessagePort;
}

export type ToArchivist =
  /** Answered before the next. Events behind `floor` stay. */
  { readonly kind: 'look'; readonly floor: number; readonly nowMs: number } | { readonly kind: 'stop' };

export type FromArchivist =
  | { readonly kind: 'looked'; readonly looked: Looked }
  | { readonly kind: 'failed'; readonly reason: string };
