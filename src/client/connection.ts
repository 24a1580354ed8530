// Connection
//
// Keeps one session alive: opens a socket, says who it is, notices when it is gone, waits, and opens the next.
//
// Owns:     the socket, what it waits for, the heartbeat, the status.
// Does not: know what is sent over it, but for the first frames and those about the session itself.
//
// K1. At most one socket is heard: nothing of one that was let go of arrives.
// K2. `up` and `down` alternate. `ended` is called once, and nothing after it.
// K3. Between two attempts lies at least what the server asked for, and a random time on top, the longer the more failed.
// K4. A server that says nothing for its heartbeat is asked whether it is there; one that does not answer is given up.

import type { AgentFrame, ServerFrame, WelcomeFrame } from '../contract/session.js';
import { CLOSED, frameText, readFrame, SUBPROTOCOL } from './frames.js';
import { backoffMs } from './retrying.js';
import { abandon, type ClientSocket, nothing, type OpenSocket } from './socket.js';
import { refusal, TroupeError, type TroupeErrorCode } from './troupe-error.js';

/** From the first packet to the welcome. */
const WELCOME_TIMEOUT_MS = 15_000;
/** For a sign of life after a heartbeat without one; less where the heartbeat is shorter. */
const PONG_TIMEOUT_MS = 10_000;
/** A session that held this long was a good one: the next wait is a short one again. */
const STABLE_MS = 5_000;
const NO_CODE = 1006;

export type Status =
  | { readonly kind: 'connecting' }
  /** `resumed`: it goes on where the one before ended. */
  | { readonly kind: 'live'; readonly sessionId: string; readonly resumed: boolean }
  /** The next attempt is made after `afterMs`. */
  | { readonly kind: 'waiting'; readonly afterMs: number; readonly reason: TroupeError }
  /** For good. No error when it was closed on this side. */
  | { readonly kind: 'closed'; readonly error: TroupeError | null };

export interface ConnectionEvents {
  /** The first frames of a new session. */
  opening(): readonly AgentFrame[];
  up(welcome: WelcomeFrame): void;
  frame(frame: ServerFrame): void;
  /** The code is 1006 where nobody gave one. */
  down(code: number): void;
  status(status: Status): void;
  ended(error: TroupeError): void;
}

const FINAL: Readonly<Record<number, { readonly code: TroupeErrorCode; readonly message: string }>> = {
  [CLOSED.replaced]: { code: 'replaced', message: 'A newer session of this agent took the place of this one.' },
  [CLOSED.unauthorized]: { code: 'unauthorized', message: 'The server does not know this token.' },
  [CLOSED.retired]: { code: 'retired', message: 'This agent is retired.' },
};

type Timer = ReturnType<typeof setTimeout>;

export class Connection {
  readonly #url: string;
  readonly #openSocket: OpenSocket;
  readonly #events: ConnectionEvents;
  #socket: ClientSocket | undefined;
  /** Counts attempts; what a former one set off is not heard (K1). */
  #turn = 0;
  #isLive = false;
  #hasEnded = false;
  #failures = 0;
  #liveSince = 0;
  #heardAt = 0;
  #timer: Timer | undefined;
  /** What the server said about the end of this session, before it ended it. */
  #told: TroupeError | undefined;

  constructor(url: string, openSocket: OpenSocket, events: ConnectionEvents) {
    this.#url = url;
    this.#openSocket = openSocket;
    this.#events = events;
  }

  start(): void {
    if (this.#hasEnded) return;
    const turn = ++this.#turn;
    this.#told = undefined;
    this.#timer = setTimeout(() => this.#fail('connection_lost', 'There was no welcome in time.'), WELCOME_TIMEOUT_MS);
    this.#events.status({ kind: 'connecting' });
    this.#openSocket(this.#url, SUBPROTOCOL).then(
      (socket) => {
        if (turn === this.#turn) this.#adopt(socket);
        else abandon(socket, CLOSED.normal);
      },
      (cause: unknown) => {
        if (turn !== this.#turn) return;
        this.end(new TroupeError('bad_request', `No socket can be opened to ${this.#url}.`, { cause }));
      },
    );
  }

  /** False when nothing can be sent now. */
  send(text: string): boolean {
    if (!this.#isLive || this.#socket === undefined) return false;
    this.#socket.send(text);
    return true;
  }

  /** No further attempt. */
  end(error: TroupeError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#letGo(CLOSED.normal, NO_CODE);
    this.#events.status({ kind: 'closed', error: error.code === 'closed' ? null : error });
    this.#events.ended(error);
  }

  #adopt(socket: ClientSocket): void {
    this.#socket = socket;
    // Some report a handshake that failed with an error alone; later a close follows, which tells more.
    socket.onerror = () => this.#fail('connection_lost', 'The server cannot be reached.');
    socket.onopen = () => {
      socket.onerror = nothing;
      // A server that answers with another protocol, or with none, does not get as far as this: the socket fails.
      for (const frame of this.#events.opening()) socket.send(frameText(frame));
    };
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #heard(data: unknown): void {
    this.#heardAt = performance.now();
    const frame = readFrame(data);
    if (frame === undefined) this.#fail('bad_answer', 'The server sent what is no frame.');
    else if (frame.type === 'welcome') this.#welcomed(frame);
    else if (frame.type === 'error' && frame.id === undefined) this.#told = refusal(frame, frame.retry_after_ms);
    else if (frame.type === 'draining') this.#told = drained(frame.resume_after_ms);
    else if (this.#isLive) this.#events.frame(frame);
  }

  #welcomed(welcome: WelcomeFrame): void {
    if (this.#isLive) {
      this.#fail('bad_answer', 'The server welcomed twice.');
      return;
    }
    this.#isLive = true;
    this.#liveSince = performance.now();
    this.#watchSilence(Math.max(1, welcome.heartbeat_ms));
    this.#events.up(welcome);
    this.#events.status({ kind: 'live', sessionId: welcome.session_id, resumed: welcome.resumed });
  }

  #watchSilence(heartbeatMs: number): void {
    clearTimeout(this.#timer);
    const silentMs = performance.now() - this.#heardAt;
    this.#timer = setTimeout(() => this.#askForLife(heartbeatMs), Math.max(1, heartbeatMs - silentMs));
  }

  #askForLife(heartbeatMs: number): void {
    const askedAt = performance.now();
    if (askedAt - this.#heardAt < heartbeatMs) {
      this.#watchSilence(heartbeatMs);
      return;
    }
    this.#socket?.send(frameText({ type: 'ping', id: 'alive' }));
    this.#timer = setTimeout(
      () => {
        if (this.#heardAt >= askedAt) this.#watchSilence(heartbeatMs);
        else this.#fail('connection_lost', 'The server is silent.');
      },
      Math.min(PONG_TIMEOUT_MS, heartbeatMs),
    );
  }

  #closed(code: number, reason: string): void {
    const final = FINAL[code];
    if (final === undefined) {
      const message = reason === '' ? `The connection was lost (${code}).` : reason;
      this.#lost(code, this.#told ?? new TroupeError('connection_lost', message));
    } else {
      this.end(new TroupeError(final.code, this.#told?.message ?? final.message));
    }
  }

  #fail(code: TroupeErrorCode, message: string): void {
    this.#lost(NO_CODE, new TroupeError(code, message));
  }

  #lost(code: number, reason: TroupeError): void {
    const held = this.#isLive && performance.now() - this.#liveSince >= STABLE_MS;
    this.#letGo(CLOSED.normal, code);
    if (this.#hasEnded) return;
    if (held) this.#failures = 0;
    const afterMs = backoffMs(this.#failures++, reason.retryAfterMs);
    this.#timer = setTimeout(() => this.start(), afterMs);
    this.#events.status({ kind: 'waiting', afterMs, reason });
  }

  #letGo(sayCode: number, heardCode: number): void {
    const wasLive = this.#isLive;
    this.#turn++;
    this.#isLive = false;
    clearTimeout(this.#timer);
    if (this.#socket !== undefined) abandon(this.#socket, sayCode);
    this.#socket = undefined;
    if (wasLive) this.#events.down(heardCode);
  }
}

function drained(resumeAfterMs: number): TroupeError {
  return new TroupeError('unavailable', 'The server is stopping.', { retryAfterMs: resumeAfterMs });
}
