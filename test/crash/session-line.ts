// Session line
//
// What the play needs of a client, whichever it is: the test's own (session-client.ts) or the SDK (session-sdk.ts).

export interface Acknowledged {
  readonly messageId: string;
  /** Names the connection on which it was said once and acknowledged; null when it took more, or nobody knows. */
  readonly connection: string | null;
}

export interface SessionLine {
  /** Insists, with one idempotency key, until it is known. Rejects for what the contract does not allow, or when closed. */
  send(to: string, content: string): Promise<Acknowledged>;
  /** Acknowledges what was handed on, and ends the session. Resolves when it has ended. */
  close(): Promise<void>;
  /** Lets go of everything at once, whatever is under way: the run is over. */
  abandon(): void;
}
