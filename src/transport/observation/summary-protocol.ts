// What the main thread and the thread of the summaries say to each other.

export interface SummaryThreadData {
  /** Where the tables are, and where the sums. */
  readonly tables: string;
  readonly summaries: string;
}

/** Where the page before ended. */
export interface PeerPlace {
  readonly weight: number;
  readonly peer: string;
}

export interface EdgePlace {
  readonly count: number;
  readonly from: string;
  readonly to: string;
}

export type SummaryReading =
  /** Behind the agent that was registered with this event. */
  | { readonly kind: 'agents'; readonly after: number | null; readonly limit: number }
  | { readonly kind: 'agent'; readonly address: string; readonly after: PeerPlace | null; readonly limit: number }
  | { readonly kind: 'network'; readonly after: EdgePlace | null; readonly limit: number };

export type ToSummaries =
  | { readonly kind: 'read'; readonly ticket: number; readonly reading: SummaryReading }
  /** What is in the tables now is to be folded soon. */
  | { readonly kind: 'fold' }
  | { readonly kind: 'stop' };

export type FromSummaries =
  /** Finished JSON; undefined where there is no such thing. */
  | { readonly kind: 'read'; readonly ticket: number; readonly json: Uint8Array | undefined }
  /** More is to be folded first than somebody can wait for. */
  | { readonly kind: 'behind'; readonly ticket: number; readonly events: number }
  | { readonly kind: 'failed'; readonly ticket: number; readonly error: string }
  /** All events up to here are in the sums. */
  | { readonly kind: 'folded'; readonly seq: number }
  /** Events were gone from the log before they were folded: the sums lack them. */
  | { readonly kind: 'missed'; readonly events: number }
  /** It will be tried again. Told once, until it works again. */
  | { readonly kind: 'failing'; readonly error: string };
