// Session SDK
//
// An agent of a chaos run that speaks through the client SDK, as a program of a user does.

import type { AgentSession } from '../../src/client/agent-session.js';
import { connect } from '../../src/client/node.js';
import { TroupeError } from '../../src/client/troupe-error.js';
import type { SessionInbox, SessionLedger } from './session-ledger.js';
import type { Acknowledged, SessionLine } from './session-line.js';

export interface SdkOptions {
  /** Of the server, as in `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly address: string;
  readonly token: string;
  readonly window: number;
  /** A message is acknowledged by name, some time after it was handed out, and not by asking for the next. */
  readonly manual: boolean;
  readonly ledger: SessionLedger;
  readonly inbox: SessionInbox;
}

export class SdkLine implements SessionLine {
  readonly #session: Promise<AgentSession>;
  readonly #read: Promise<void>;
  readonly #life = new AbortController();

  constructor(options: SdkOptions) {
    const { url, token, window } = options;
    this.#session = connect(url, { token, window, signal: this.#life.signal });
    this.#read = this.#session.then(
      (session) => readAll(session, options),
      (error: unknown) => ended(error, options),
    );
  }

  async send(to: string, content: string): Promise<Acknowledged> {
    const { messageId } = await (await this.#session).send(to, content);
    return { messageId, connection: null };
  }

  async close(): Promise<void> {
    (await this.#session).close();
    await this.#read;
  }

  abandon(): void {
    this.#life.abort();
  }
}

async function readAll(session: AgentSession, options: SdkOptions): Promise<void> {
  const { ledger, inbox, manual } = options;
  try {
    for await (const { seq, messageId, from, content, ack } of session.messages({ ack: manual ? 'manual' : 'auto' })) {
      ledger.arrive(inbox, { seq, messageId, from, content });
      // In another turn than the one in which it came.
      if (manual) setImmediate(ack);
    }
  } catch (error) {
    ended(error, options);
  }
}

/** A session of the SDK goes on until it is closed here: whatever else ended it should not have. */
function ended(error: unknown, { ledger, address }: SdkOptions): void {
  const code = error instanceof TroupeError ? error.code : 'unknown';
  ledger.breach(address, `the session of the SDK ended: ${code}, ${String(error)}`);
}
