// Watch hub
//
// The changes of the shared state, from its partitions to the sessions of this process that watch them.
//
//     partition 0 ─ follow ─▶ feed ─┐
//     …                             ├─▶ by prefix ─▶ each session that watches it, once
//     partition n ─ follow ─▶ feed ─┘
//
// Owns:     one stream for each partition, from the first watch on, and the distinct prefixes that are watched.
// Does not: know a socket, or bound what one session watches (session-watches.ts).
//
// WH1. A watch is ready when every partition tells the changes of its prefix. A prefix that is watched already is ready.
// WH2. When a stream is lost, changes of any prefix may have been missed: every watch that was ready ends. One that was not
//      ready yet becomes so on the next stream.
// WH3. One change reaches a watcher once, however many of its prefixes match.
// WH4. At most PREFIXES_MAX prefixes; a watch is not ready later than READY_TIMEOUT_MS: it is refused then.
// WH5. Whatever is said to a partition in vain is made good by following it anew, with the prefixes of that moment: the
//      newer stream takes the place of the older without a gap, for both are read.

import { PREFIXES_MAX, STATE_PARTITIONS, type StateChange } from '../../actors/state/protocol.js';
import type { Clock, Timer } from '../../clock.js';
import type { Fault } from '../../errors.js';
import type { StreamingActors } from '../../runtime/ref.js';
import { type FeedHub, PartitionFeed } from './partition-feed.js';
import { SharedChange } from './shared-change.js';
import { addTo, type Ready, removeFrom, type Waiting, type WatchedPrefix, type Watcher } from './watched-prefix.js';

const READY_TIMEOUT_MS = 10_000;
/** Until all are followed anew: less than one rests whose stream was lost, which is followed anew anyway. */
const REFOLLOW_MS = 20;

const TOO_MANY: Fault = { code: 'OVERLOADED', params: { what: 'the prefixes that are watched' } };
const TOO_LATE: Fault = { code: 'ASK_TIMEOUT' };

export class WatchHub implements FeedHub {
  readonly #actors: StreamingActors;
  readonly #clock: Clock;
  readonly #prefixes = new Map<string, WatchedPrefix>();
  /** How many prefixes there are of each length, so that a change looks for those that match without a scan. */
  readonly #lengths = new Map<number, number>();
  #feeds: readonly PartitionFeed[] = [];
  #refollow: Timer | undefined;

  constructor(actors: StreamingActors, clock: Clock) {
    this.#actors = actors;
    this.#clock = clock;
  }

  /** Distinct prefixes. */
  get size(): number {
    return this.#prefixes.size;
  }

  get prefixes(): Iterable<WatchedPrefix> {
    return this.#prefixes.values();
  }

  /** `ready` is called once, perhaps before this returns, unless the watch is taken back first. */
  watch(prefix: string, watcher: Watcher, ready: Ready): void {
    const known = this.#prefixes.get(prefix);
    if (known !== undefined && known.missing === undefined) {
      addTo(known, watcher);
      ready(undefined);
    } else if (known !== undefined) {
      known.waiting.push({ watcher, ready });
    } else if (this.#prefixes.size >= PREFIXES_MAX) {
      ready(TOO_MANY);
    } else {
      this.#begin(prefix, { watcher, ready });
    }
  }

  /** Takes one watch back, ready or not. */
  unwatch(prefix: string, watcher: Watcher, ready: Ready): void {
    const watched = this.#prefixes.get(prefix);
    if (watched === undefined) return;
    if (watched.missing === undefined) removeFrom(watched, watcher);
    else watched.waiting = watched.waiting.filter((one) => one.ready !== ready);
    if (watched.watchers.size === 0 && watched.waiting.length === 0) this.#drop(watched);
  }

  /** Nobody watches any more: those that wait are refused, the others not told. */
  close(): void {
    this.#refollow?.cancel();
    for (const feed of this.#feeds) feed.close();
    const all = [...this.#prefixes.values()];
    this.#feeds = [];
    this.#prefixes.clear();
    this.#lengths.clear();
    for (const { timer, waiting } of all) {
      timer?.cancel();
      for (const { ready } of waiting) ready({ code: 'DRAINING' });
    }
  }

  confirmed(watched: WatchedPrefix, feed: PartitionFeed): void {
    if (this.#prefixes.get(watched.prefix) !== watched) return;
    if (watched.missing?.delete(feed) !== true || watched.missing.size > 0) return;
    watched.missing = undefined;
    watched.timer?.cancel();
    const { waiting } = watched;
    watched.waiting = [];
    for (const { watcher } of waiting) addTo(watched, watcher);
    for (const { ready } of waiting) ready(undefined);
  }

  /** A partition refuses the prefix. */
  refused(watched: WatchedPrefix, fault: Fault): void {
    if (this.#prefixes.get(watched.prefix) !== watched || watched.missing === undefined) return;
    this.#drop(watched);
    for (const { ready } of watched.waiting) ready(fault);
  }

  /** The stream of a feed is gone (WH2). */
  lost(feed: PartitionFeed, fault: Fault): void {
    const watchers = new Set<Watcher>();
    for (const watched of this.#prefixes.values()) {
      if (watched.missing !== undefined) {
        watched.missing.add(feed);
        continue;
      }
      for (const watcher of watched.watchers.keys()) watchers.add(watcher);
      this.#forget(watched);
    }
    if (watchers.size > 0) this.refollowSoon();
    for (const watcher of watchers) watcher.ended(fault);
  }

  dispatch(change: StateChange): void {
    const { key } = change;
    let first: WatchedPrefix | undefined;
    let watchers: Set<Watcher> | undefined;
    for (const length of this.#lengths.keys()) {
      if (length > key.length) continue;
      const watched = this.#prefixes.get(key.slice(0, length));
      if (watched === undefined || watched.watchers.size === 0) continue;
      if (first === undefined) {
        first = watched;
      } else {
        watchers ??= new Set(first.watchers.keys());
        for (const watcher of watched.watchers.keys()) watchers.add(watcher);
      }
    }
    if (first === undefined) return;
    const shared = new SharedChange(change);
    for (const watcher of watchers ?? first.watchers.keys()) watcher.changed(shared);
  }

  /** Every partition is followed anew, with the prefixes that there are then (WH5). */
  refollowSoon(): void {
    this.#refollow ??= this.#clock.after(REFOLLOW_MS, () => {
      this.#refollow = undefined;
      for (const feed of this.#feeds) feed.refollow();
    });
  }

  #begin(prefix: string, first: Waiting): void {
    if (this.#feeds.length === 0) this.#feeds = this.#makeFeeds();
    const timer = this.#clock.after(READY_TIMEOUT_MS, () => this.refused(watched, TOO_LATE));
    const watched: WatchedPrefix = {
      prefix,
      watchers: new Map(),
      waiting: [first],
      missing: new Set(this.#feeds),
      timer,
    };
    this.#prefixes.set(prefix, watched);
    this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    for (const feed of this.#feeds) feed.watch(watched);
  }

  #makeFeeds(): PartitionFeed[] {
    return Array.from(
      { length: STATE_PARTITIONS },
      (_, index) => new PartitionFeed(String(index), this.#actors, this.#clock, this),
    );
  }

  #drop(watched: WatchedPrefix): void {
    this.#forget(watched);
    for (const feed of this.#feeds) feed.unwatch(watched.prefix);
  }

  #forget(watched: WatchedPrefix): void {
    watched.timer?.cancel();
    this.#prefixes.delete(watched.prefix);
    const { length } = watched.prefix;
    const left = (this.#lengths.get(length) ?? 0) - 1;
    if (left > 0) this.#lengths.set(length, left);
    else this.#lengths.delete(length);
  }
}
