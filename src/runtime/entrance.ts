// Entrance
//
// The way into the actors of a system from outside of all actors: tells, asks, streams and watches.
//
//     ask ──▶ slot ──▶ owner's link ──▶ shard … reply ──▶ asks ──▶ the promise
//
// Owns:     nothing: what waits is in Asks.
// Does not: own threads or links (supervisor.ts), or know any kind.
//
// EN1. What cannot be admitted is refused at once, with the reason (G4, G8).
// EN2. An ask is answered once: by its actor, by its time limit, or with WORKER_LOST when its worker dies.

import type { Fault } from '../errors.js';
import type { ActorHost } from './actor-ref.js';
import { ASK_TIMEOUT_MS, type Asks, STREAMED } from './asks.js';
import { encodeValue } from './codec.js';
import { WATCH } from './envelope.js';
import { IncomingStream, STREAM_WINDOW } from './incoming-stream.js';
import type { Link } from './link.js';
import { type AnyProtocol, type Messages, type Protocol, type StreamName, slotFor } from './protocol.js';
import {
  type Answer,
  type AskOptions,
  askFault,
  type Durability,
  type Ending,
  endingOf,
  type ItemOf,
  type ItemReader,
  type StreamingActors,
} from './ref.js';
import { Routes } from './routes.js';
import { NOBODY, type ShardMap } from './shard-map.js';
import type { Traces } from './traces.js';

const TOO_MANY_ASKS: Fault = { code: 'OVERLOADED', params: { what: 'requests in flight' } };

export interface EntranceParts {
  readonly protocols: readonly AnyProtocol[];
  readonly asks: Asks;
  readonly map: ShardMap;
  /** The way to a worker; undefined while it is being replaced. */
  readonly link: (worker: number) => Link | undefined;
  /** Something was put on a link: it must be flushed. */
  readonly planFlush: () => void;
  /** What asks get that name no durability of their own. */
  readonly durability: Durability;
  readonly isStopping: () => boolean;
  readonly traces?: Pick<Traces, 'current'> | undefined;
}

export class Entrance implements ActorHost, StreamingActors {
  readonly #parts: EntranceParts;
  readonly #routes: Routes;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
    this.#routes = new Routes(parts.protocols);
  }

  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<M[K]['reply']>> {
    const { asks } = this.#parts;
    const reason = askFault(options);
    if (reason !== undefined) return refused({ code: 'BAD_REQUEST', params: { reason } });
    if (asks.isFull) return refused(TOO_MANY_ASKS);
    const correlation = asks.next();
    const worker = this.#send(to, key, this.#numberOf(to, message), args, correlation, options);
    if (typeof worker !== 'number') return refused(worker);
    return new Promise((resolve) => {
      const settle = resolve as (answer: Answer<unknown>) => void;
      asks.wait(correlation, worker, options.timeoutMs ?? ASK_TIMEOUT_MS, settle, () => {
        this.#leave(worker, correlation);
        settle({ ok: false, fault: STREAMED });
      });
    });
  }

  tell<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
  ): boolean {
    return typeof this.#send(to, key, this.#numberOf(to, message), args, 0, {}) === 'number';
  }

  stream(to: AnyProtocol, key: string, message: string, args: unknown): IncomingStream {
    const { asks } = this.#parts;
    const correlation = asks.next();
    let worker: number | Fault = TOO_MANY_ASKS;
    const stream = new IncomingStream((items) => {
      if (typeof worker !== 'number') return;
      if (items === 0) this.#leave(worker, correlation);
      else this.#allow(worker, correlation, items);
    });
    if (!asks.isFullOfOpen) worker = this.#send(to, key, this.#numberOf(to, message), args, correlation, {});
    if (typeof worker !== 'number') {
      stream.settle({ ok: false, fault: worker });
      return stream;
    }
    const settle = (answer: Answer<unknown>): void => stream.settle(answer);
    asks.wait(correlation, worker, Number.POSITIVE_INFINITY, settle, (item) => stream.item(item));
    return stream;
  }

  subscribe<M extends Messages, K extends StreamName<M>>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    reader: ItemReader<ItemOf<M[K]['reply']>>,
  ): () => void {
    const { asks } = this.#parts;
    const correlation = asks.next();
    const worker = asks.isFullOfOpen
      ? TOO_MANY_ASKS
      : this.#send(to, key, this.#numberOf(to, message), args, correlation, {});
    if (typeof worker !== 'number') {
      reader.ended(worker);
      return () => undefined;
    }
    let unread = 0;
    const ended = (answer: Answer<unknown>): void => reader.ended(answer.ok ? undefined : answer.fault);
    asks.wait(correlation, worker, Number.POSITIVE_INFINITY, ended, (value) => {
      unread++;
      if (unread * 2 >= STREAM_WINDOW) {
        this.#allow(worker, correlation, unread);
        unread = 0;
      }
      reader.item(value as ItemOf<M[K]['reply']>);
    });
    return () => this.#leave(worker, correlation);
  }

  watch(to: AnyProtocol, key: string, ended: (ending: Ending) => void): () => void {
    const { asks } = this.#parts;
    const correlation = asks.next();
    const worker = asks.isFullOfOpen ? TOO_MANY_ASKS : this.#send(to, key, WATCH, null, correlation, {});
    if (typeof worker !== 'number') {
      ended(endingOf(worker));
      return () => undefined;
    }
    asks.wait(correlation, worker, Number.POSITIVE_INFINITY, (answer) => {
      if (!answer.ok) ended(endingOf(answer.fault));
    });
    return () => this.#leave(worker, correlation);
  }

  /** Nobody waits for it any more, and the other side is told so. */
  #leave(worker: number, correlation: number): void {
    this.#parts.asks.forget(correlation);
    this.#allow(worker, correlation, 0);
  }

  #allow(worker: number, correlation: number, items: number): void {
    const { link, planFlush } = this.#parts;
    link(worker)?.allow({ correlation, items });
    planFlush();
  }

  /** The worker that it went to, or why it did not. */
  #send(
    to: AnyProtocol,
    key: string,
    message: number,
    args: unknown,
    correlation: number,
    options: AskOptions,
  ): number | Fault {
    const { map, link, planFlush, durability, isStopping } = this.#parts;
    if (isStopping()) return { code: 'DRAINING' };
    const { kind, protocol } = this.#routes.to(to);
    const slot = slotFor(protocol, key);
    const worker = map.owner(slot);
    const way = worker === NOBODY ? undefined : link(worker);
    if (way === undefined) return { code: 'SLOT_MOVING' };
    const outgoing = {
      slot,
      kind,
      key,
      message,
      senderKind: 0,
      senderKey: '',
      correlation,
      control: false,
      durability: options.durability ?? durability,
      idempotency: options.idempotency,
      chain: undefined,
      payload: encodeValue(args),
    };
    const sent = way.send(outgoing, this.#parts.traces?.current());
    if (!sent) return { code: 'OVERLOADED', params: { what: 'the link to the worker' } };
    planFlush();
    return worker;
  }

  #numberOf(to: AnyProtocol, message: string): number {
    return Routes.numberOf(this.#routes.to(to), message);
  }
}

function refused(fault: Fault): Promise<{ readonly ok: false; readonly fault: Fault }> {
  return Promise.resolve({ ok: false, fault });
}
