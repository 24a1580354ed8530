// Requests
//
// What was asked over the session and is not settled yet, across connections.
//
// Owns:     ids, order, repeats, deadlines and aborts of requests.
// Does not: hold a connection (connection.ts), or know what an answer means (agent-session.ts).
//
// Q1. Each request is settled exactly once: by its answer, its deadline, its signal, or the end of the session.
// Q2. Requests are sent in the order in which they were made; what a lost connection left unanswered goes first, in its old
//     order, over the next one.
// Q3. Only what is repeatable is sent a second time after it may have been done. The rest fails with `outcome_unknown`.
// Q4. At most `inFlightMax` requests wait for the server at once, and none is larger than `frameBytesMax`.

import type { AgentFrame, ErrorFrame, FrameId, OkFrame, PongFrame } from '../contract/session.js';
import { BREACH_CODES, frameText } from './frames.js';
import { backoffMs, type CallOptions, TIMEOUT_MS_DEFAULT, timeoutOf } from './retrying.js';
import { abortedBy, refusal, TroupeError } from './troupe-error.js';

/** Closes of a connection, because of a frame, that a request may have been part of: then it is the one. */
const BREACHES_MAX = 3;

export interface RequestLimits {
  readonly inFlightMax: number;
  readonly frameBytesMax: number;
}

/** Before the server has told its own. */
const LIMITS_UNKNOWN: RequestLimits = { inFlightMax: 1, frameBytesMax: 2 * 1024 * 1024 };

type Unnumbered<F> = F extends { readonly id: FrameId } ? Omit<F, 'id'> : never;
export type Request = Unnumbered<AgentFrame>;
export type Answer = OkFrame | PongFrame;

export interface AskOptions extends CallOptions {
  /** Doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
}

export interface Settled {
  ok(answer: Answer): void;
  failed(error: TroupeError): void;
}

interface Pending {
  readonly id: number;
  readonly text: string;
  readonly repeatable: boolean;
  readonly settled: Settled;
  readonly deadlineAt: number;
  /** Takes down timers and listeners. */
  release(): void;
  rest: ReturnType<typeof setTimeout> | undefined;
  attempts: number;
  breaches: number;
  lastRefusal: TroupeError | undefined;
}

export class Requests {
  readonly #send: (text: string) => boolean;
  #lastId = 0;
  #limits = LIMITS_UNKNOWN;
  #live = false;
  #end: TroupeError | undefined;
  /** In the order in which they are to be sent. */
  #queue = new Set<Pending>();
  readonly #sent = new Map<FrameId, Pending>();
  /** Refused for now, until their time has come. */
  readonly #resting = new Set<Pending>();

  /** `send` gives false when nothing can be sent now. */
  constructor(send: (text: string) => boolean) {
    this.#send = send;
  }

  ask(request: Request, options: AskOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.post(request, options, { ok: resolve, failed: reject });
    });
  }

  /** As `ask`; `settled` is called in the very turn in which the answer arrives. `null` for no deadline at all. */
  post(request: Request, options: AskOptions, settled: Settled, deadline?: null): void {
    const { signal } = options;
    const over = this.#end ?? (signal?.aborted ? abortedBy(signal) : undefined);
    if (over !== undefined) {
      settled.failed(over);
      return;
    }
    const timeoutMs = deadline === null ? Number.POSITIVE_INFINITY : timeoutOf(options, TIMEOUT_MS_DEFAULT);
    const id = ++this.#lastId;
    const pending: Pending = {
      id,
      text: frameText({ ...request, id } as AgentFrame),
      repeatable: options.repeatable,
      settled,
      deadlineAt: performance.now() + timeoutMs,
      release: () => {
        clearTimeout(late);
        signal?.removeEventListener('abort', aborted);
      },
      rest: undefined,
      attempts: 0,
      breaches: 0,
      lastRefusal: undefined,
    };
    const aborted = (): void => this.#fail(pending, abortedBy(signal as AbortSignal));
    const late = Number.isFinite(timeoutMs) ? setTimeout(() => this.#late(pending, timeoutMs), timeoutMs) : undefined;
    signal?.addEventListener('abort', aborted, { once: true });
    this.#queue.add(pending);
    this.#pump();
  }

  /** A connection is there. */
  up(limits: RequestLimits): void {
    this.#live = true;
    this.#limits = limits;
    this.#pump();
  }

  /** It is gone, closed with this code. */
  down(code: number): void {
    this.#live = false;
    const unanswered = [...this.#sent.values()];
    this.#sent.clear();
    const breach = BREACH_CODES.includes(code);
    this.#queue = new Set([...unanswered, ...this.#queue]);
    for (const pending of unanswered) {
      if (breach) pending.breaches++;
      if (!pending.repeatable) {
        this.#fail(pending, new TroupeError('outcome_unknown', 'The connection was lost before the answer came.'));
      } else if (pending.breaches >= BREACHES_MAX) {
        this.#fail(pending, new TroupeError('bad_request', `The server closed the session over it, with ${code}.`));
      }
    }
  }

  /** Nothing will be answered any more. */
  end(error: TroupeError): void {
    this.#end ??= error;
    for (const pending of [...this.#sent.values(), ...this.#queue, ...this.#resting]) this.#fail(pending, this.#end);
  }

  answered(answer: Answer): void {
    const pending = this.#sent.get(answer.id);
    if (pending === undefined) return;
    this.#forget(pending);
    pending.settled.ok(answer);
    this.#pump();
  }

  /** False when no request has this id. */
  refused(frame: ErrorFrame & { readonly id: FrameId }): boolean {
    const pending = this.#sent.get(frame.id);
    if (pending === undefined) return false;
    const error = refusal(frame, frame.retry_after_ms);
    // Known now that it cannot be in time: the caller learns why, instead of waiting to be told that it took too long.
    const isInTime = performance.now() + (error.retryAfterMs ?? 0) < pending.deadlineAt;
    if (isInTime && passes(pending, error)) this.#rest(pending, error);
    else this.#fail(pending, error);
    this.#pump();
    return true;
  }

  #rest(pending: Pending, error: TroupeError): void {
    const waitMs = backoffMs(pending.attempts++, error.retryAfterMs);
    this.#sent.delete(pending.id);
    this.#resting.add(pending);
    pending.lastRefusal = error;
    pending.rest = setTimeout(() => {
      this.#resting.delete(pending);
      this.#queue.add(pending);
      this.#pump();
    }, waitMs);
  }

  #late(pending: Pending, timeoutMs: number): void {
    const message = `There was no answer within ${timeoutMs} ms; whether it was done is not known.`;
    this.#fail(pending, new TroupeError('timeout', message, { cause: pending.lastRefusal }));
  }

  #fail(pending: Pending, error: TroupeError): void {
    this.#forget(pending);
    pending.settled.failed(error);
  }

  #forget(pending: Pending): void {
    this.#sent.delete(pending.id);
    this.#queue.delete(pending);
    this.#resting.delete(pending);
    clearTimeout(pending.rest);
    pending.release();
  }

  #pump(): void {
    for (const pending of this.#queue) {
      if (!this.#live || this.#sent.size >= this.#limits.inFlightMax) return;
      if (exceedsBytes(pending.text, this.#limits.frameBytesMax)) {
        const message = `A frame may take ${this.#limits.frameBytesMax} bytes.`;
        this.#fail(pending, new TroupeError('value_too_large', message));
      } else {
        this.#queue.delete(pending);
        this.#sent.set(pending.id, pending);
        if (!this.#send(pending.text)) return;
      }
    }
  }
}

/** Whether the refusal will pass. What the server was too busy for may still have been done; what it counted out was not. */
function passes(pending: Pending, error: TroupeError): boolean {
  return error.code === 'rate_limited' || (error.code === 'unavailable' && pending.repeatable);
}

/** Short texts are not measured. */
function exceedsBytes(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && new TextEncoder().encode(text).length > bytesMax;
}
