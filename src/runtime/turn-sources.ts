// Turn sources
//
// What every turn of a shard reads and sends through.

import type { Clock } from '../clock.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import type { Counters, Reservations } from './counters.js';
import type { AskEffect, Saying } from './effects.js';
import type { Overlay } from './overlay.js';
import type { Answer } from './ref.js';
import type { Routes } from './routes.js';
import type { StoreView } from './store-view.js';

export interface TurnSources {
  readonly routes: Routes;
  readonly cells: CellTable;
  readonly clock: Clock;
  /** The slots of the shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly forceEncoding: boolean;
  readonly view: StoreView;
  readonly overlay: Overlay;
  readonly counters: Counters;
  readonly reservations: Reservations;
  /** What is written is kept. */
  readonly isDurable: boolean;
  readonly seed: number;
  /** Sends an ask, and calls `resolve` with its answer, once. */
  readonly ask: (cell: Cell, saying: Saying, ask: AskRequest, resolve: (answer: Answer<unknown>) => void) => void;
  readonly log: (level: 'info' | 'warn', cell: Cell, message: string, details: object | undefined) => void;
}

/** An ask before it has a number. */
export interface AskRequest extends Omit<AskEffect, 'correlation'> {
  readonly timeoutMs: number | undefined;
}
