// Waiting mailboxes
//
// How much waits for the actors of a shard, and for whom most of it.

import type { Cell } from './cell.js';

const CELLS_LOOKED_AT = 10_000;
export const DEEPEST_TOLD = 10;

/** An actor with much that waits. */
export interface DeepMailbox {
  readonly address: string;
  readonly depth: number;
}

/** What waits for the actors of a worker: for at most 10,000 of them. */
export interface WaitingMailboxes {
  /** Envelopes that wait, and their bytes. */
  readonly depth: number;
  readonly bytes: number;
  /** At most 10, the deepest first. */
  readonly deepest: readonly DeepMailbox[];
}

export function waitingMailboxes(cells: readonly Cell[]): WaitingMailboxes {
  let depth = 0;
  let bytes = 0;
  const waiting: Cell[] = [];
  for (const cell of cells.slice(0, CELLS_LOOKED_AT)) {
    if (cell.mailbox.depth === 0) continue;
    depth += cell.mailbox.depth;
    bytes += cell.mailbox.bytes;
    waiting.push(cell);
  }
  const deepest = waiting
    .sort((a, b) => b.mailbox.depth - a.mailbox.depth)
    .slice(0, DEEPEST_TOLD)
    .map(({ address, mailbox }) => ({ address, depth: mailbox.depth }));
  return { depth, bytes, deepest };
}
