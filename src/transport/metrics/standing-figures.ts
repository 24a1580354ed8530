// Standing figures
//
// What is so at the moment, of what the threads told.
//
// SF1. A thread that told nothing (it is stuck, or being replaced) is left out.

import type { StandingFigures } from './metrics-source.js';

/** Deepest mailboxes, of all workers together. */
const DEEPEST_TOLD = 10;

interface WorkerReport {
  readonly mailboxes: StandingFigures['mailboxes'];
  readonly residentActors: number;
  readonly residentBytes: number;
  readonly quarantined: number;
}

/** What the status of a server has of it. */
export interface Told {
  readonly workers: readonly (WorkerReport | undefined)[];
  readonly journal: { readonly unappliedBytes: number } | undefined;
  readonly asksWaiting: number;
  readonly workerReplacements: number;
  readonly hashesQueued: number;
  readonly sessions: number;
}

export function standingFigures(told: Told): StandingFigures {
  const workers = told.workers.filter((report) => report !== undefined);
  const sum = (of: (report: WorkerReport) => number): number => workers.reduce((all, report) => all + of(report), 0);
  const deepest = workers.flatMap(({ mailboxes }) => mailboxes.deepest).sort((a, b) => b.depth - a.depth);
  return {
    mailboxes: {
      depth: sum(({ mailboxes }) => mailboxes.depth),
      bytes: sum(({ mailboxes }) => mailboxes.bytes),
      deepest: deepest.slice(0, DEEPEST_TOLD),
    },
    residentActors: sum(({ residentActors }) => residentActors),
    residentBytes: sum(({ residentBytes }) => residentBytes),
    quarantined: sum(({ quarantined }) => quarantined),
    sessions: told.sessions,
    hashesQueued: told.hashesQueued,
    asksWaiting: told.asksWaiting,
    unappliedBytes: told.journal?.unappliedBytes ?? 0,
    workerRestarts: told.workerReplacements,
  };
}
