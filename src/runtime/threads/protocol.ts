// What threads say to each other, beside batches of envelopes (envelope.ts) and of commit records (commit-record.ts).

import type { MessagePort } from 'node:worker_threads';
import type { DeadLetter } from '../dead-letter.js';
import type { ShardExplanation } from '../explanation.js';
import type { Acknowledgement, JournalStart } from '../journal.js';
import type { Quarantined } from '../quarantine.js';
import type { LogLine } from '../shard.js';
import type { WaitingMailboxes } from '../waiting-mailboxes.js';

/** Memory that every thread sees. */
export interface SharedMemory {
  readonly map: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly commits: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
  /** What each thread counts (meters.ts). */
  readonly meters: readonly SharedArrayBuffer[];
}

/** The front door's place among the peers of a shard; worker n is peer n + 1. */
export const FRONT = 0;

/** What an operator may set of the journal: see its keys in the config. */
export interface JournalTuning {
  readonly segmentBytes: number;
  readonly unappliedBytesMax: number;
  readonly applyAfterMs: number;
}

export interface ApplierThreadData {
  /** Where the tables are. */
  readonly directory: string;
  readonly journalDirectory: string;
  /** Where a migration puts the store as it was. */
  readonly backups: string;
  readonly tuning: JournalTuning;
  readonly memory: SharedMemory;
  readonly counterNames: readonly string[];
  readonly journal: MessagePort;
}

export type ToApplier =
  /** Slices of old events that are to be taken out of the tables come from here, each answered (event-trim.ts). */
  { readonly kind: 'trims'; readonly port: MessagePort } | { readonly kind: 'stop' };

export type FromApplier =
  | { readonly kind: 'ready'; readonly start: JournalStart }
  /** The store cannot be opened, or the journal is damaged. */
  | { readonly kind: 'refused'; readonly message: string }
  /** So many groups of the last process are in the tables now. */
  | { readonly kind: 'recovering'; readonly groups: number }
  | { readonly kind: 'failing'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** From the journal to the applier, on their own port. */
export type JournalToApplier =
  /** Something is durable that is not in the tables. */
  | { readonly kind: 'behind' }
  /** Somebody waits for it. Answered with `applied`, or `stuck`. */
  | { readonly kind: 'hurry' }
  | { readonly kind: 'make-segment' }
  /** Zeros over all of it: nobody else has it. Answered with `wiped`. */
  | { readonly kind: 'wipe-segment'; readonly name: string };

/** And back. */
export type ApplierToJournal =
  /** All groups up to this one are in the tables. */
  | { readonly kind: 'applied'; readonly group: number }
  /** The tables cannot be written; it is tried again until they can, and then `applied` is said. */
  | { readonly kind: 'stuck'; readonly reason: string }
  /** Undefined when the disk refused it. */
  | { readonly kind: 'segment'; readonly name: string | undefined }
  | { readonly kind: 'wiped'; readonly name: string; readonly ok: boolean };

export interface JournalThreadData {
  readonly journalDirectory: string;
  readonly tuning: JournalTuning;
  readonly memory: SharedMemory;
  readonly counterNames: readonly string[];
  readonly slots: readonly number[];
  readonly start: JournalStart;
  readonly applier: MessagePort;
}

/** What a fence made: records of an older epoch are refused from here on, and all before it are in groups up to this one. */
export interface Fence {
  readonly epoch: number;
  readonly group: number;
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
  /** Asks to be told when all that is durable now is in the tables. */
  | { readonly kind: 'settle'; readonly ticket: number }
  | { readonly kind: 'report'; readonly ticket: number }
  /** Asks to be told when no file of the journal holds what is in the tables by now (scrubbing.ts). */
  | { readonly kind: 'scrub'; readonly ticket: number }
  /** From now on every event goes to this port too, until it is closed (event-tap.ts). */
  | { readonly kind: 'tap'; readonly port: MessagePort; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'stop' };

export interface JournalReport {
  readonly batchesWaiting: number;
  readonly groups: number;
  readonly records: number;
  readonly failures: number;
  readonly seq: number;
  readonly epoch: number;
  /** Durable, and not in the tables yet; `unappliedMs` is the age of the oldest. */
  readonly unappliedGroups: number;
  readonly unappliedBytes: number;
  readonly unappliedMs: number;
  readonly segmentsInUse: number;
}

export type FromJournal =
  | { readonly kind: 'ready'; readonly fence: Fence }
  /** The journal's files cannot be opened. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'fenced'; readonly ticket: number; readonly fence: Fence }
  /** `ok` is false when the tables cannot be written, and so will not be there soon. */
  | { readonly kind: 'settled'; readonly ticket: number; readonly ok: boolean }
  | { readonly kind: 'report'; readonly ticket: number; readonly report: JournalReport }
  | { readonly kind: 'scrubbed'; readonly ticket: number; readonly ok: boolean }
  | { readonly kind: 'failing'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** From a shard worker to the journal, on their own port. */
export type ShardToJournal =
  | { readonly kind: 'records'; readonly generation: number; readonly batch: ArrayBuffer }
  /** Somebody waits for the tables: see ShardOptions.settle. */
  | { readonly kind: 'settle' };

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
  /** Where the tables are; undefined where nothing is kept. */
  readonly directory: string | undefined;
  readonly memory: SharedMemory;
  readonly counterNames: readonly string[];
  readonly slots: readonly number[];
  readonly fence: Fence;
  readonly reservations: SharedArrayBuffer;
  readonly pulse: SharedArrayBuffer;
  readonly journal: MessagePort;
  readonly peers: readonly Peer[];
  readonly residentBytesMax: number;
  readonly forceEncoding: boolean;
  readonly isExplained: boolean;
  readonly seed: number;
  /** For the composition root alone: what its actor kinds are configured with. */
  readonly settings: unknown;
}

export type ToShard =
  | { readonly kind: 'connect'; readonly peer: Peer }
  | { readonly kind: 'disconnect'; readonly peer: number }
  /** `isBrief`: without dead letters and the quarantine, which can be megabytes. */
  | { readonly kind: 'report'; readonly ticket: number; readonly isBrief: boolean }
  | { readonly kind: 'explain'; readonly ticket: number; readonly top: number }
  | { readonly kind: 'resume'; readonly ticket: number; readonly address: string; readonly skip: boolean }
  /** Says again what a dead letter holds. */
  | { readonly kind: 'replay'; readonly ticket: number; readonly letter: string }
  | { readonly kind: 'stop' };

export interface ShardReport {
  readonly turns: number;
  readonly residentActors: number;
  readonly residentBytes: number;
  readonly deadLetters: number;
  readonly quarantined: number;
  readonly recordsUnsettled: number;
  readonly recordsUnapplied: number;
  readonly mailboxes: WaitingMailboxes;
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
      readonly isEscalated: boolean;
    }
  | { readonly kind: 'log'; readonly line: LogLine }
  /** A promise was rejected that nobody waited for. */
  | { readonly kind: 'stray'; readonly error: string }
  | { readonly kind: 'report'; readonly ticket: number; readonly report: ShardReport }
  | { readonly kind: 'explained'; readonly ticket: number; readonly explanation: ShardExplanation }
  /** To `resume` and `replay`. */
  | { readonly kind: 'done'; readonly ticket: number; readonly found: boolean }
  | { readonly kind: 'stopped' };
