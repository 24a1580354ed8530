// Followers
//
// The streams of events, in the observer's thread: each is brought from where it begins to the end of the log, out of the
// tables and then out of what the tap has told, and goes on with all others that are there.
//
//     open ──▶ past: pages of the tables, as fast as it takes them ──▶ recent events ──▶ live: one batch for all
//                ▲                                                                           │
//                └───────────── the batches wait for the sockets, and it is too far behind ──┘
//
// Owns:     the place of every stream, and how much is on its way to the sockets.
// Does not: know sockets (event-streams.ts), or what is in the tables (event-reader.ts).
//
// FO1. A stream is shown each event that it wants behind its beginning, once and in order, whatever came out of the tables
//      and whatever by the tap.
// FO2. At most SHOWS_MAX messages are on their way to the main thread, each of SENDS_MAX sends and SHOW_BYTES_MAX, or one
//      event: however much there is to see, the main thread gives it a small part of its turn.
// FO3. A stream of the past has at most one message that was not taken. Who is slow holds up nobody but itself.
// FO4. An event is encoded once for all live streams.
// FO5. What an event held before it was rewritten is not shown behind forget().
// FO6. A stream whose next events are not in the tables any more is ended there and then: it is never shown a log with a gap.

import type { NumberedEvent } from '../../runtime/event-blocks.js';
import { type EventPage, readEventPage } from '../../runtime/event-reader.js';
import { trimmedUpTo } from '../../runtime/event-trim.js';
import { readMetaNumber } from '../../runtime/storage/meta.js';
import type { StoreReader } from '../../runtime/storage/store.js';
import { META_SEQ } from '../../runtime/tables.js';
import { encodeEvent, encodeLogged } from './event-json.js';
import type { EncodedEvent, EventFilter, FromObserver, Live } from './protocol.js';
import { type RecentEvent, RecentEvents } from './recent-events.js';

export const SHOWS_MAX = 2;
export const SENDS_MAX = 256;
export const SHOW_BYTES_MAX = 64 * 1024;
/** How soon the tables are looked at again when they lack what was missed. */
const TABLES_LOOK_MS = 20;

export interface FollowersParts {
  readonly reader: StoreReader;
  readonly say: (message: FromObserver) => void;
  /** Runs it in another turn of the loop. */
  readonly soon: (run: () => void) => void;
  readonly after: (delayMs: number, run: () => void) => void;
}

interface Follower {
  readonly stream: number;
  readonly filter: EventFilter;
  /** Everything up to here was shown, or is not wanted. Null: it begins at the end of the log, which is not known yet. */
  position: number | null;
  isTaken: boolean;
  /** For what it misses to come to the tables. */
  isWaiting: boolean;
}

/** Live streams that want the same. */
interface Channel {
  readonly filter: EventFilter;
  readonly streams: Set<number>;
}

export class Followers {
  readonly #parts: FollowersParts;
  readonly #all = new Map<number, Follower>();
  /** Not live: each is looked at in its turn. */
  readonly #behind = new Set<Follower>();
  readonly #channels = new Map<string, Channel>();
  #recent: RecentEvents | undefined;
  /** Everything up to here was shown to the live streams. */
  #livePosition = 0;
  #shows = 0;
  #isPlanned = false;
  #isLiveNext = false;
  /** The tables have all events up to here, and some held something else when the tap told them. */
  #forgottenUpTo = 0;
  /** For the tables. */
  #waiting: Follower[] = [];

  constructor(parts: FollowersParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#all.size;
  }

  open(stream: number, since: number | null, filter: EventFilter): void {
    const follower: Follower = { stream, filter, position: since, isTaken: true, isWaiting: false };
    this.#all.set(stream, follower);
    this.#behind.add(follower);
    if (this.#recent !== undefined) this.#place(follower, this.#recent);
    this.#plan();
  }

  close(stream: number): void {
    const follower = this.#all.get(stream);
    if (follower === undefined) return;
    this.#all.delete(stream);
    this.#behind.delete(follower);
    this.#leave(follower);
  }

  taken(stream: number): void {
    const follower = this.#all.get(stream);
    if (follower === undefined) return;
    follower.isTaken = true;
    this.#plan();
  }

  shown(): void {
    this.#shows--;
    this.#plan();
  }

  /**
   * Events that are in the tables hold something else now: all that was told up to where the tables are is read from there
   * again, and what the tap still has of it is not looked at (FO5).
   */
  forget(): void {
    const { reader } = this.#parts;
    reader.refresh();
    this.#forgottenUpTo = readMetaNumber(reader, META_SEQ) ?? 0;
    if (this.#recent !== undefined) this.missed(this.#recent.last + 1);
  }

  /** The tap goes on here: what is not known before it is in the tables, or will be. */
  missed(next: number): void {
    const nextSeq = Math.max(next, (this.#recent?.last ?? 0) + 1, this.#forgottenUpTo + 1);
    if (this.#recent === undefined) {
      this.#recent = new RecentEvents(nextSeq);
      this.#livePosition = nextSeq - 1;
      for (const follower of this.#behind) this.#place(follower, this.#recent);
    } else {
      this.#recent.restart(nextSeq);
      this.#catchUpLive(this.#recent);
    }
    this.#plan();
  }

  events(events: readonly NumberedEvent[]): void {
    if (this.#recent === undefined) return;
    const { last } = this.#recent;
    const isKnown = events[0] !== undefined && events[0].seq <= last;
    this.#recent.add(isKnown ? events.filter(({ seq }) => seq > last) : events);
    this.#catchUpLive(this.#recent);
    this.#plan();
  }

  /** The tap was let go of. */
  untapped(): void {
    this.#recent = undefined;
  }

  /** Who named no place begins here and now. */
  #place(follower: Follower, { last }: RecentEvents): void {
    if (follower.position !== null) return;
    follower.position = last;
    this.#parts.say({ kind: 'opened', stream: follower.stream, after: last });
  }

  /** Live streams that are too far behind what is at hand go back to the tables. */
  #catchUpLive(recent: RecentEvents): void {
    if (this.#channels.size === 0) {
      this.#livePosition = recent.last;
      return;
    }
    if (recent.first <= this.#livePosition + 1) return;
    for (const { streams } of this.#channels.values()) {
      for (const stream of streams) {
        const follower = this.#all.get(stream)!;
        follower.position = this.#livePosition;
        this.#behind.add(follower);
      }
    }
    this.#channels.clear();
    this.#livePosition = recent.last;
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#parts.soon(() => {
      this.#isPlanned = false;
      this.#step();
    });
  }

  /** One message at most: for those that are live and for the others in turn, while both have something to see. */
  #step(): void {
    const recent = this.#recent;
    if (recent === undefined || this.#shows >= SHOWS_MAX) return;
    this.#isLiveNext = !this.#isLiveNext;
    const hasMoved = this.#isLiveNext
      ? this.#showLive(recent) || this.#advanceNext(recent)
      : this.#advanceNext(recent) || this.#showLive(recent);
    if (hasMoved) this.#plan();
  }

  /** The first that can be brought on is, and then waits for its next turn. False when there is none. */
  #advanceNext(recent: RecentEvents): boolean {
    for (const follower of this.#behind) {
      if (!follower.isTaken || follower.isWaiting || !this.#advance(follower, recent)) continue;
      if (this.#behind.delete(follower)) this.#behind.add(follower);
      return true;
    }
    return false;
  }

  /** False when all was shown. */
  #showLive(recent: RecentEvents): boolean {
    if (this.#livePosition >= recent.last) return false;
    if (this.#channels.size === 0) {
      this.#livePosition = recent.last;
      return true;
    }
    const channels = [...this.#channels.values()].map(({ filter, streams }) => ({
      filter,
      streams: [...streams],
      places: [] as number[],
    }));
    const events: EncodedEvent[] = [];
    let sends = 0;
    let bytes = 0;
    while (this.#livePosition < recent.last && sends < SENDS_MAX && bytes < SHOW_BYTES_MAX) {
      const event = recent.get(this.#livePosition + 1)!;
      const wanting = channels.filter(({ filter }) => isWanted(event, filter));
      for (const { places, streams } of wanting) {
        places.push(events.length);
        sends += streams.length;
      }
      if (wanting.length > 0) {
        events.push(encodeEvent(event));
        bytes += event.value.length;
      }
      this.#livePosition++;
    }
    const shows: Live['shows'] = channels
      .filter(({ places }) => places.length > 0)
      .map(({ streams, places }) => ({ streams, places: places.length === events.length ? undefined : places }));
    if (events.length > 0) this.#show({ kind: 'live', events, shows });
    return true;
  }

  /** Brings the follower on by one message, or to its place. False when there is nothing to do for it now. */
  #advance(follower: Follower, recent: RecentEvents): boolean {
    const { position } = follower;
    // It begins in the future, or where the live streams will be in a moment.
    if (position === null || position > this.#livePosition) return false;
    return position + 1 < recent.first
      ? this.#advanceInTables(follower, position, recent)
      : this.#advanceInRecent(follower, position, recent);
  }

  #advanceInTables(follower: Follower, position: number, recent: RecentEvents): boolean {
    const { reader, say } = this.#parts;
    const until = recent.first - 1;
    reader.refresh();
    const trimmed = trimmedUpTo(reader);
    if (position < trimmed) {
      this.close(follower.stream);
      say({ kind: 'archived', stream: follower.stream, upTo: trimmed });
      return true;
    }
    const tables = readMetaNumber(reader, META_SEQ) ?? 0;
    const page = this.#page(follower.filter, position, until);
    const end = page.hasMore ? page.next : Math.max(page.next, Math.min(tables, until));
    follower.position = end;
    this.#showPast(follower, page.events.map(encodeLogged), end);
    if (!page.hasMore && end < until) this.#waitForTables(follower);
    return true;
  }

  #page({ types, agent }: EventFilter, since: number, until: number): EventPage {
    return readEventPage(this.#parts.reader, {
      since,
      until,
      limit: SENDS_MAX,
      bytesMax: SHOW_BYTES_MAX,
      ...(types === undefined ? {} : { types }),
      ...(agent === undefined ? {} : { about: agent }),
    });
  }

  /** Up to where the live streams are: there it is one of them. */
  #advanceInRecent(follower: Follower, from: number, recent: RecentEvents): boolean {
    const events: EncodedEvent[] = [];
    let position = from;
    let bytes = 0;
    while (position < this.#livePosition && events.length < SENDS_MAX && bytes < SHOW_BYTES_MAX) {
      const event = recent.get(++position)!;
      if (!isWanted(event, follower.filter)) continue;
      events.push(encodeEvent(event));
      bytes += event.value.length;
    }
    follower.position = position;
    this.#showPast(follower, events, position);
    if (position === this.#livePosition) this.#join(follower);
    return true;
  }

  #showPast(follower: Follower, events: readonly EncodedEvent[], upTo: number): void {
    if (events.length === 0) return;
    follower.isTaken = false;
    this.#show({ kind: 'past', stream: follower.stream, events, upTo });
  }

  #show(message: FromObserver): void {
    this.#shows++;
    this.#parts.say(message);
  }

  #join(follower: Follower): void {
    this.#behind.delete(follower);
    const name = nameOf(follower.filter);
    const channel = this.#channels.get(name) ?? { filter: follower.filter, streams: new Set<number>() };
    channel.streams.add(follower.stream);
    this.#channels.set(name, channel);
  }

  #leave(follower: Follower): void {
    const name = nameOf(follower.filter);
    const channel = this.#channels.get(name);
    if (channel?.streams.delete(follower.stream) === true && channel.streams.size === 0) this.#channels.delete(name);
  }

  #waitForTables(follower: Follower): void {
    follower.isWaiting = true;
    if (this.#waiting.push(follower) > 1) return;
    this.#parts.after(TABLES_LOOK_MS, () => {
      for (const each of this.#waiting) each.isWaiting = false;
      this.#waiting = [];
      this.#plan();
    });
  }
}

function isWanted({ type, about }: RecentEvent, { types, agent }: EventFilter): boolean {
  if (agent !== undefined && about !== agent) return false;
  return types === undefined || (type !== undefined && types.includes(type));
}

function nameOf({ types, agent }: EventFilter): string {
  return JSON.stringify([types === undefined ? null : [...types].sort(), agent ?? null]);
}
