// What the main thread and the observer's thread say to each other.

import type { MessagePort } from 'node:worker_threads';
import type { DueRemoval, Removal, RewrittenEvent } from '../../actors/removal/protocol.js';
import type { Fault } from '../../errors.js';
import type { RemovalTarget } from '../../redaction.js';

export interface ObserverThreadData {
  /** Where the tables are. */
  readonly directory: string;
  readonly archives: string;
}

/** Which events somebody wants to see. */
export interface EventFilter {
  /** Any of these; absent: all. */
  readonly types?: readonly string[];
  /** Filed under this address. */
  readonly agent?: string;
}

export type Reading =
  /** `since` null: from where the log begins. */
  | { readonly kind: 'events'; readonly filter: EventFilter; readonly since: number | null; readonly limit: number }
  | { readonly kind: 'keys'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  | { readonly kind: 'entry'; readonly key: string }
  | { readonly kind: 'removals'; readonly after: string | null; readonly limit: number };

/** What the log, or an inbox, is looked through for, a slice at a time (content-search.ts): asked, and what is found. */
export interface Looks {
  /** The event that holds a message, behind `after`. */
  readonly message: {
    readonly asked: { readonly id: string; readonly after: number };
    readonly found: LookedThrough & { readonly message: LoggedMessage | undefined };
  };
  /** The last event before this time, as far as the clock has not gone back; 0 where there is none. */
  readonly time: { readonly asked: { readonly at: number }; readonly found: { readonly seq: number } };
  /** Where a message is in an inbox, behind `after`. */
  readonly inbox: {
    readonly asked: { readonly agent: string; readonly id: string; readonly after: number };
    readonly found: LookedThrough & { readonly seq: number | undefined };
  };
  /** The last value of a key that the slice holds, as its SHA-256. */
  readonly value: {
    readonly asked: { readonly key: string; readonly after: number };
    readonly found: LookedThrough & { readonly contentHash: string | undefined };
  };
  /** What is to be in the place of the events that hold what this removal removed, up to the event that tells of it. */
  readonly contents: {
    readonly asked: { readonly removal: DueRemoval; readonly after: number };
    readonly found: LookedThrough & { readonly events: readonly RewrittenEvent[] };
  };
  /**
   * What the next archive has of a target, and with the id of a removal: what it held up to the event that tells of it is
   * taken out of the file. Files behind `after`.
   */
  readonly archives: {
    readonly asked: { readonly target: RemovalTarget; readonly removal: string | null; readonly after: number };
    readonly found: LookedThrough & {
      readonly message: LoggedMessage | undefined;
      /** Of the last value. */
      readonly contentHash: string | undefined;
      /** The event that tells of the removal is archived: what is behind it has nothing to do with it. */
      readonly isTold: boolean;
    };
  };
  /** The newest removal of a target. */
  readonly removal: { readonly asked: RemovalTarget; readonly found: { readonly removal: Removal | undefined } };
}

export interface LookedThrough {
  /** What comes behind it was not looked at; where the next slice begins. */
  readonly next: number;
  readonly isEnd: boolean;
}

export interface LoggedMessage {
  readonly seq: number;
  readonly to: string;
  /** Undefined where the event does not hold the content any more. */
  readonly contentHash: string | undefined;
}

export type Looking = {
  readonly [K in keyof Looks]: { readonly kind: K } & { readonly asked: Looks[K]['asked'] };
}[keyof Looks];

export type ToObserver =
  | { readonly kind: 'read'; readonly ticket: number; readonly reading: Reading }
  | { readonly kind: 'look'; readonly ticket: number; readonly looking: Looking }
  /** Events in the tables hold something else now: what is kept of them is not shown any more. */
  | { readonly kind: 'forget'; readonly ticket: number }
  /** Events come from here (event-tap.ts), in the place of what they came from before. */
  | { readonly kind: 'tap'; readonly port: MessagePort; readonly memory: SharedArrayBuffer }
  /** Nobody follows any more: the tap is let go of. */
  | { readonly kind: 'untap' }
  /** `since` null: from now on. */
  | { readonly kind: 'open'; readonly stream: number; readonly since: number | null; readonly filter: EventFilter }
  | { readonly kind: 'close'; readonly stream: number }
  /** What it was shown of the past has left: it may have more. */
  | { readonly kind: 'taken'; readonly stream: number }
  /** One `past` or `live` was passed on to the sockets. */
  | { readonly kind: 'shown' }
  | { readonly kind: 'stop' };

export type FromObserver =
  /** Finished JSON; undefined where there is no such thing. */
  | { readonly kind: 'read'; readonly ticket: number; readonly json: Uint8Array | undefined }
  | { readonly kind: 'looked'; readonly ticket: number; readonly found: Looks[keyof Looks]['found'] }
  /** Nothing that was kept before is shown behind this. */
  | { readonly kind: 'forgotten'; readonly ticket: number }
  /** It cannot be answered, for a reason that the caller is told. */
  | { readonly kind: 'refused'; readonly ticket: number; readonly fault: Fault }
  | { readonly kind: 'failed'; readonly ticket: number; readonly error: string }
  /** Begins behind this event. */
  | { readonly kind: 'opened'; readonly stream: number; readonly after: number }
  /** What it had to see next is archived: it ends, and the log begins behind this event. */
  | { readonly kind: 'archived'; readonly stream: number; readonly upTo: number }
  | Past
  | Live;

/** Events for one stream that is not at the end of the log yet. It is shown no more before it was `taken`. */
export interface Past {
  readonly kind: 'past';
  readonly stream: number;
  readonly events: readonly EncodedEvent[];
  /** Everything up to here was looked at for it. */
  readonly upTo: number;
}

/** The same events for all who are at the end of the log. */
export interface Live {
  readonly kind: 'live';
  readonly events: readonly EncodedEvent[];
  /** Who gets which of them, by their places; undefined: all. */
  readonly shows: readonly { readonly streams: readonly number[]; readonly places: readonly number[] | undefined }[];
}

export interface EncodedEvent {
  readonly seq: number;
  readonly json: string;
  /** Of `json` in UTF-8. */
  readonly bytes: number;
}
