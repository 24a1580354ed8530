// Agent session
//
// The live end of an agent, as a program holds it: its messages, what it sends, the shared state. It goes on over as many
// connections as it takes, until it is closed here, replaced by a newer session, or not wanted by the server any more.
//
// Owns:     how the parts of this folder hang together.
// Does not: the work of any of them.

import type { AgentFrame, OkFrame, ServerFrame, WelcomeFrame } from '../contract/session.js';
import { Connection, type Status } from './connection.js';
import { frameText } from './frames.js';
import { Inbox, type Position } from './inbox.js';
import { type Ending, type Message, MessageLoop, type MessagesOptions } from './messages.js';
import { Requests } from './requests.js';
import { type CallOptions, newIdempotencyKey } from './retrying.js';
import { pageOf, SharedState } from './shared-state.js';
import type { OpenSocket } from './socket.js';
import { abortedBy, TroupeError } from './troupe-error.js';
import { Watches } from './watches.js';

export interface ConnectOptions extends CallOptions {
  readonly token: string;
  /** The most messages that wait here and are not acknowledged, 1 to 1024; 64 when nothing is said. */
  readonly window?: number | undefined;
  /** Where this program was when it ended: what it was done with then does not come again. */
  readonly from?: Position | undefined;
  readonly onStatus?: ((status: Status) => void) | undefined;
}

export interface SendOptions extends CallOptions {
  /** Whoever may have to send again in another life of the program gives the same key then. One is made where none is given. */
  readonly idempotencyKey?: string | undefined;
}

export interface Sent {
  readonly messageId: string;
  readonly timestamp: string;
}

export interface RegisteredAgent {
  readonly address: string;
  readonly registeredAt: string;
}

export class AgentSession {
  readonly state: SharedState;
  readonly #token: string;
  readonly #window: number | undefined;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #inbox: Inbox;
  readonly #watches: Watches;
  readonly #loops = new Set<MessageLoop>();
  readonly #statusListeners = new Set<(status: Status) => void>();
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = (): void => this.#connection.end(abortedBy(this.#signal as AbortSignal));
  #status: Status = { kind: 'connecting' };
  #address = '';
  #ending: Ending | undefined;

  /** Begins to connect; `url` is that of the socket. */
  constructor(url: string, options: ConnectOptions, openSocket: OpenSocket) {
    this.#token = options.token;
    this.#window = options.window;
    this.#signal = options.signal;
    this.#connection = new Connection(url, openSocket, {
      opening: () => this.#opening(),
      up: (welcome) => this.#up(welcome),
      frame: (frame) => this.#take(frame),
      down: (code) => this.#down(code),
      status: (status) => this.#tell(status),
      ended: (error) => this.#ended(error),
    });
    this.#requests = new Requests((text) => this.#connection.send(text));
    this.#inbox = new Inbox((seq) => this.#send({ type: 'ack', seq }), options.from);
    this.#watches = new Watches({ requests: this.#requests, send: (frame) => this.#send(frame) });
    this.state = new SharedState(this.#requests, this.#watches);
    if (options.onStatus !== undefined) this.#statusListeners.add(options.onStatus);
    this.#signal?.addEventListener('abort', this.#aborted, { once: true });
    if (this.#signal?.aborted) this.#aborted();
    else this.#connection.start();
  }

  /** Of this agent. Empty until the first session is live. */
  get address(): string {
    return this.#address;
  }

  get status(): Status {
    return this.#status;
  }

  /** What is done with so far; undefined until the first session is live. Kept, it goes into `from` of the next life. */
  get position(): Position | undefined {
    return this.#inbox.position;
  }

  /** Calls it at every change, until the function that it returns is called. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /** The messages of this agent, as they come (messages.ts). */
  messages(options: MessagesOptions = {}): AsyncIterableIterator<Message, undefined> {
    const loop = new MessageLoop(this.#inbox, options, (left) => this.#loops.delete(left));
    this.#loops.add(loop);
    if (this.#ending !== undefined) loop.end(this.#ending);
    return loop;
  }

  /**
   * Sends a message, once: resolves when it is in the durable inbox of the recipient, however many connections that took.
   * Refusals that pass are waited for. Rejects with what remains: a wrong address, too large a content, too little time.
   */
  async send(to: string, content: string, options: SendOptions = {}): Promise<Sent> {
    if (typeof to !== 'string' || typeof content !== 'string') {
      throw new TroupeError('bad_request', 'An address and a content are texts.');
    }
    const { idempotencyKey = newIdempotencyKey() } = options;
    const request = { type: 'send' as const, to, content, idempotency_key: idempotencyKey };
    const ok = (await this.#requests.ask(request, { ...options, repeatable: true })) as OkFrame;
    return { messageId: String(ok.message_id), timestamp: String(ok.timestamp) };
  }

  /** Every agent of the server, oldest first, page by page. */
  async *registry(options: CallOptions = {}): AsyncGenerator<RegisteredAgent, undefined, undefined> {
    let cursor: string | undefined;
    do {
      const request = { type: 'registry' as const, ...pageOf({ cursor }) };
      const ok = (await this.#requests.ask(request, { ...options, repeatable: true })) as OkFrame;
      const agents = ok.agents as readonly { readonly address: string; readonly registered_at: string }[];
      for (const { address, registered_at } of agents) yield { address, registeredAt: registered_at };
      cursor = (ok.next_cursor as string | null) ?? undefined;
    } while (cursor !== undefined);
  }

  /** Milliseconds to the server and back, with the wait for a connection where there is none. */
  async ping(options: CallOptions = {}): Promise<number> {
    const askedAt = performance.now();
    await this.#requests.ask({ type: 'ping' }, { ...options, repeatable: true });
    return performance.now() - askedAt;
  }

  /** Ends the session: loops end, calls that wait fail with `closed`. What is not acknowledged comes to the next session. */
  close(): void {
    this.#inbox.close();
    this.#connection.end(new TroupeError('closed', 'The session was closed on this side.'));
  }

  #opening(): readonly AgentFrame[] {
    const window = this.#window === undefined ? {} : { window: this.#window };
    return [
      // In a frame in Node too, where a header could be set: one way for all environments, and nothing that a proxy logs.
      { type: 'auth', token: this.#token },
      { type: 'hello', ...this.#inbox.hello(), ...window },
    ];
  }

  #up(welcome: WelcomeFrame): void {
    this.#address = welcome.agent;
    this.#inbox.up(welcome);
    const { requests_in_flight_max: inFlightMax, frame_bytes_max: frameBytesMax, watches_max } = welcome.limits;
    this.#watches.up(watches_max);
    this.#requests.up({ inFlightMax, frameBytesMax });
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'message':
        this.#inbox.received(frame);
        return;
      case 'change':
        this.#watches.changed(frame);
        return;
      case 'ok':
      case 'pong':
        this.#requests.answered(frame);
        return;
      case 'error': {
        const { id } = frame;
        if (id === undefined) return;
        if (frame.watch_ended === true) this.#watches.ended(id, frame.retry_after_ms);
        else this.#requests.refused({ ...frame, id });
        return;
      }
      default:
        // Of a newer server, or the connection's own.
        return;
    }
  }

  #down(code: number): void {
    this.#inbox.down();
    this.#requests.down(code);
    this.#watches.down();
  }

  #ended(error: TroupeError): void {
    const ending: Ending = { error: error.code === 'closed' ? null : error };
    this.#ending = ending;
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#inbox.close();
    // Before the requests: a loop that is asking for its watch ends as all others do.
    this.#watches.end(ending);
    this.#requests.end(error);
    for (const loop of this.#loops) loop.end(ending);
  }

  #tell(status: Status): void {
    this.#status = status;
    for (const listener of this.#statusListeners) {
      try {
        listener(status);
      } catch (error) {
        // A fault of the program, which is told of it; the session goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #send(frame: AgentFrame): void {
    this.#connection.send(frameText(frame));
  }
}
