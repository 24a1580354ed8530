// Partition feed
//
// The stream of changes out of one partition of the shared state.
//
//   idle ── watch ──▶ following ── lost ──▶ resting ── after a while ──▶ following
//
// Owns:     the stream, and when it is begun again.
// Does not: know who watches (watch-hub.ts).
//
// PF1. While it follows, every prefix of the hub was in the list that it began with, or was asked for since.

import { type FollowItem, type StateChange, stateProtocol } from '../../actors/state/protocol.js';
import type { Clock, Timer } from '../../clock.js';
import { errorTable, type Fault } from '../../errors.js';
import type { ItemReader, StreamingActors } from '../../runtime/ref.js';
import type { WatchedPrefix } from './watched-prefix.js';

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
/** What clients are told of a stream that ended for a reason which is none of theirs. */
const LOST: Fault = { code: 'STOPPED' };

/** What a feed knows of the hub. */
export interface FeedHub {
  readonly prefixes: Iterable<WatchedPrefix>;
  /** From now on each change of a key under it is told. */
  confirmed(watched: WatchedPrefix, feed: PartitionFeed): void;
  refused(watched: WatchedPrefix, fault: Fault): void;
  /** Changes may be missed from now on. */
  lost(feed: PartitionFeed, fault: Fault): void;
  dispatch(change: StateChange): void;
  refollowSoon(): void;
}

export class PartitionFeed {
  readonly #partition: string;
  readonly #actors: StreamingActors;
  readonly #clock: Clock;
  readonly #hub: FeedHub;
  #stream: FollowStream | undefined;
  #retry: Timer | undefined;
  #retryMs = 0;

  constructor(partition: string, actors: StreamingActors, clock: Clock, hub: FeedHub) {
    this.#partition = partition;
    this.#actors = actors;
    this.#clock = clock;
    this.#hub = hub;
  }

  /** Asks for one more prefix; the hub is told when its changes come. */
  watch(watched: WatchedPrefix): void {
    if (this.#stream !== undefined) this.#ask(this.#stream, watched);
    else if (this.#retry === undefined) this.#follow();
  }

  unwatch(prefix: string): void {
    if (this.#stream === undefined) return;
    if (!this.#actors.tell(stateProtocol, this.#partition, 'unwatch', { prefix })) this.#hub.refollowSoon();
  }

  /** A new stream in the place of this one, which ends when the new one begins. */
  refollow(): void {
    if (this.#stream !== undefined) this.#follow();
  }

  close(): void {
    this.#retry?.cancel();
    this.#stream?.leave?.();
    this.#stream = undefined;
  }

  #follow(): void {
    this.#retry = undefined;
    const watched = [...this.#hub.prefixes];
    const stream = new FollowStream(
      () => this.#following(stream, watched),
      (change) => this.#hub.dispatch(change),
      (fault) => this.#ended(stream, fault),
    );
    this.#stream = stream;
    const args = { prefixes: watched.map(({ prefix }) => prefix) };
    // Where it cannot be asked at all, the stream has ended before this returns.
    stream.leave = this.#actors.subscribe(stateProtocol, this.#partition, 'follow', args, stream);
  }

  #ask(stream: FollowStream, watched: WatchedPrefix): void {
    const { prefix } = watched;
    this.#actors.ask(stateProtocol, this.#partition, 'watch', { prefix }).then(
      (answer) => {
        // A newer stream has it in its list.
        if (stream !== this.#stream) return;
        if (answer.ok) this.#hub.confirmed(watched, this);
        else this.#hub.refused(watched, answer.fault);
      },
      () => this.#hub.refused(watched, LOST),
    );
  }

  #following(stream: FollowStream, watched: readonly WatchedPrefix[]): void {
    if (stream !== this.#stream) return;
    this.#retryMs = 0;
    for (const one of watched) this.#hub.confirmed(one, this);
  }

  #ended(stream: FollowStream, fault: Fault | undefined): void {
    // The older of two: what it had to tell came before.
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#retryMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, this.#retryMs * 2));
    this.#retry = this.#clock.after(this.#retryMs, () => this.#follow());
    const isPassing = fault !== undefined && errorTable[fault.code].wire === 'unavailable';
    this.#hub.lost(this, isPassing ? fault : LOST);
  }
}

class FollowStream implements ItemReader<FollowItem> {
  leave: (() => void) | undefined;
  readonly #following: () => void;
  readonly #changed: (change: StateChange) => void;
  readonly #ended: (fault: Fault | undefined) => void;

  constructor(
    following: () => void,
    changed: (change: StateChange) => void,
    ended: (fault: Fault | undefined) => void,
  ) {
    this.#following = following;
    this.#changed = changed;
    this.#ended = ended;
  }

  item(item: FollowItem): void {
    if (item.kind === 'following') this.#following();
    else this.#changed(item.change);
  }

  ended(fault: Fault | undefined): void {
    this.#ended(fault);
  }
}
