// Compile queue: who waits for a compile of one subject, and what the one in hand works with.

import type { ReplyHandle } from '../../runtime/actor.js';
import type { Memory } from './records.js';

/** Requests that may wait. */
export const COMPILES_WAITING_MAX = 64;
/** What a memory takes in the memory of a run, roughly. */
const ACTIVE_BYTES = 1_024;

export type CompileRequest =
  | { readonly kind: 'ask'; readonly handle: ReplyHandle }
  | { readonly kind: 'job'; readonly jobId: string };

export interface Standing {
  readonly seq: number;
  readonly memory: Memory;
}

export interface Run {
  readonly request: CompileRequest;
  readonly life: number;
  /** The last episode that it takes. */
  readonly upTo: number;
  /** By id: those that a new memory may supersede. */
  readonly active: Map<string, Standing>;
  /** The last memory that was read; undefined when all are. */
  readTo: number | undefined;
  created: number;
  /** Null while it made none. */
  firstSeq: number | null;
}

export class Compiling {
  waiting: readonly CompileRequest[] = [];
  run: Run | undefined;
  /** A step was told, and is on its way. */
  isStepTold = false;

  get isIdle(): boolean {
    return this.run === undefined && this.waiting.length === 0;
  }

  get residentBytes(): number {
    return (this.run?.active.size ?? 0) * ACTIVE_BYTES;
  }

  /** False when too many wait. */
  enter(request: CompileRequest): boolean {
    if (this.waiting.length >= COMPILES_WAITING_MAX) return false;
    this.waiting = [...this.waiting, request];
    return true;
  }

  next(): CompileRequest | undefined {
    const [request, ...others] = this.waiting;
    this.waiting = others;
    return request;
  }

  /** Nobody waits any more, and nothing is in hand: those for whom something was. */
  abandon(): readonly CompileRequest[] {
    const all = this.run === undefined ? this.waiting : [this.run.request, ...this.waiting];
    this.waiting = [];
    this.run = undefined;
    return all;
  }

  /** The other requests go on. */
  abandonJob(jobId: string): void {
    const isIt = (request: CompileRequest) => request.kind === 'job' && request.jobId === jobId;
    this.waiting = this.waiting.filter((request) => !isIt(request));
    if (this.run !== undefined && isIt(this.run.request)) this.run = undefined;
  }

  isAtWork(jobId: string): boolean {
    const all = this.run === undefined ? this.waiting : [this.run.request, ...this.waiting];
    return all.some((request) => request.kind === 'job' && request.jobId === jobId);
  }
}
