// Explanation
//
// What explain() answers: where the time, the memory and the waiting of a system are.

import type { ActorExplanation } from './account.js';

export interface LinkExplanation {
  /** `front`, or the number of a worker. */
  readonly to: string;
  /** Sent and not handled yet, of at most `bytesMax`. */
  readonly inFlightBytes: number;
  readonly bytesMax: number;
}

/** A thread that runs actors. */
export interface ThreadExplanation {
  readonly worker: number;
  /** How late its event loop was, since the last explanation. */
  readonly loopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly turns: number;
  /** Actors with messages that wait. */
  readonly waitingActors: number;
  readonly links: readonly LinkExplanation[];
}

/** What one worker tells of itself. */
export interface ShardExplanation {
  readonly actors: readonly ActorExplanation[];
  readonly thread: Omit<ThreadExplanation, 'worker'>;
}

/** The first actors by each measure, the largest first. */
export interface Explanation {
  readonly byMailboxDepth: readonly ActorExplanation[];
  readonly byWait: readonly ActorExplanation[];
  readonly byTurnTime: readonly ActorExplanation[];
  readonly byResidentBytes: readonly ActorExplanation[];
  readonly byRefusals: readonly ActorExplanation[];
  readonly threads: readonly ThreadExplanation[];
}

/** Puts together what the workers told, by number; a worker that told nothing (it is stuck, or being replaced) is left out. */
export function mergeExplanations(shards: readonly (ShardExplanation | undefined)[], top: number): Explanation {
  const actors = shards.flatMap((shard) => shard?.actors ?? []);
  const by = (measure: (actor: ActorExplanation) => number): ActorExplanation[] =>
    actors
      .filter((actor) => measure(actor) > 0)
      .sort((a, b) => measure(b) - measure(a))
      .slice(0, top);
  return {
    byMailboxDepth: by(({ mailboxDepth }) => mailboxDepth),
    byWait: by(({ waitMs }) => waitMs),
    byTurnTime: by(({ turnMs }) => turnMs),
    byResidentBytes: by(({ residentBytes }) => residentBytes),
    byRefusals: by(({ refusals }) => refusals),
    threads: shards.flatMap((shard, worker) => (shard === undefined ? [] : [{ worker, ...shard.thread }])),
  };
}
