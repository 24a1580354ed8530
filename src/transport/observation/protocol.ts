// What the main thread and the observer's thread say to each other.

import type { MessagePort } from 'node:worker_threads';

export interface ObserverThreadData {
  /** Where the tables are. */
  readonly directory: string;
}

/** Which events somebody wants to see. */
export interface EventFilter {
  /** Any of these; absent: all. */
  readonly types?: readonly string[];
  /** Filed under this address. */
  readonly agent?: string;
}

export type Reading =
  | { readonly kind: 'events'; readonly filter: EventFilter; readonly since: number; readonly limit: number }
  | { readonly kind: 'keys'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  | { readonly kind: 'entry'; readonly key: string };

export type ToObserver =
  | { readonly kind: 'read'; readonly ticket: number; readonly reading: Reading }
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
  | { readonly kind: 'failed'; readonly ticket: number; readonly error: string }
  /** Begins behind this event. */
  | { readonly kind: 'opened'; readonly stream: number; readonly after: number }
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
