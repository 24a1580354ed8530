// What threads say to each other, beside batches of envelopes (envelope.ts) and of commit records (commit-record.ts).

import type { MessagePort } from 'node:worker_threads';
import type { DeadLetter } from '../dead-letter.js';
import type { Acknowledgement } from '../journal.js';
import type { Quarantined } from '../quarantine.js';

/** Memory that every thread sees. */
export interface SharedMemory {
  readonly map: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly commits: SharedArrayBuffer;
}

/** The front door's place among the peers of a shard; worker n is peer n + 1. */
export const FRONT = 0;

export interface JournalThreadData {
  readonly directory: string;
  /** Where a migration puts the store as it was. */
  readonly backups: string;
  readonly memory: SharedMemory;
  readonly counterNames: readonly string[];
  readonly slots: readonly number[];
}

export type ToJournal =
  | {
      readonly kind: 'attach';
      readonly source: number;
      readonly port: MessagePort;
      readonly reservations: SharedArrayBuffer;
    }
  /** The thread behind this source has ended. */
  | { readonly kind: 'detach'; readonly source: number }
  | { readonly kind: 'fence'; readonly ticket: number; readonly slots: readonly number[] }
  | { readonly kind: 'report'; readonly ticket: number }
  | { readonly kind: 'stop' };

export interface JournalReport {
  readonly batchesWaiting: number;
  readonly groups: number;
  readonly records: number;
  readonly failures: number;
  readonly seq: number;
  readonly epoch: number;
}

export type FromJournal =
  | { readonly kind: 'ready'; readonly epoch: number }
  /** The store cannot be opened. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'fenced'; readonly ticket: number; readonly epoch: number }
  | { readonly kind: 'report'; readonly ticket: number; readonly report: JournalReport }
  | { readonly kind: 'failing'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** From a shard worker to the journal, on their own port. */
export interface RecordBatch {
  readonly generation: number;
  readonly batch: ArrayBuffer;
}

/** And back. */
export type JournalAnswer = Acknowledgement;

export interface Peer {
  readonly peer: number;
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
  readonly side: 0 | 1;
}

export interface ShardWorkerData {
  readonly worker: number;
  readonly directory: string;
  readonly memory: SharedMemory;
  readonly counterNames: readonly string[];
  readonly slots: readonly number[];
  readonly epoch: number;
  readonly reservations: SharedArrayBuffer;
  readonly journal: MessagePort;
  readonly peers: readonly Peer[];
  readonly residentBytesMax: number;
  readonly forceEncoding: boolean;
  /** For the composition root alone: what its actor kinds are configured with. */
  readonly settings: unknown;
}

export type ToShard =
  | { readonly kind: 'connect'; readonly peer: Peer }
  | { readonly kind: 'disconnect'; readonly peer: number }
  | { readonly kind: 'report'; readonly ticket: number }
  | { readonly kind: 'resume'; readonly ticket: number; readonly address: string }
  | { readonly kind: 'stop' };

export interface ShardReport {
  readonly turns: number;
  readonly residentActors: number;
  readonly residentBytes: number;
  readonly deadLetters: number;
  readonly quarantined: number;
  readonly recordsUnsettled: number;
  readonly recentDeadLetters: readonly DeadLetter[];
  readonly quarantine: readonly Quarantined[];
}

export type FromShard =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'turn-failed';
      readonly address: string;
      readonly message: string;
      readonly attempts: number;
      readonly error: string;
    }
  | { readonly kind: 'report'; readonly ticket: number; readonly report: ShardReport }
  | { readonly kind: 'resumed'; readonly ticket: number; readonly found: boolean }
  | { readonly kind: 'stopped' };
