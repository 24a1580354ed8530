// Watched prefix: one prefix of the shared state, and who watches it (watch-hub.ts).

import type { Timer } from '../../clock.js';
import type { Fault } from '../../errors.js';
import type { SharedChange } from './shared-change.js';

/** Called with nothing when the watch is ready, or with why it is not. */
export type Ready = (fault: Fault | undefined) => void;

export interface Watcher {
  changed(change: SharedChange): void;
  /** All its watches that were ready have ended. */
  ended(fault: Fault): void;
}

export interface Waiting {
  readonly watcher: Watcher;
  readonly ready: Ready;
}

export interface WatchedPrefix {
  readonly prefix: string;
  /** How many watches each has on it. Empty until it is ready. */
  readonly watchers: Map<Watcher, number>;
  waiting: Waiting[];
  /** The feeds that do not tell its changes yet; undefined when it is ready. */
  missing: Set<object> | undefined;
  timer: Timer | undefined;
}

export function addTo({ watchers }: WatchedPrefix, watcher: Watcher): void {
  watchers.set(watcher, (watchers.get(watcher) ?? 0) + 1);
}

export function removeFrom({ watchers }: WatchedPrefix, watcher: Watcher): void {
  const left = (watchers.get(watcher) ?? 0) - 1;
  if (left > 0) watchers.set(watcher, left);
  else watchers.delete(watcher);
}
