// Test host
//
// The outside's door into a test system, for refs: what runtime/system.ts is to a system on threads. It outlives the
// processes that the test lets die.
//
// Owns:     nothing: asks wait in the process that they were sent to.
// Does not: take steps.
//
// TH1. An ask is answered once: by its actor, by its time limit, or with WORKER_LOST when its worker or process dies.

import type { Fault } from '../errors.js';
import type { ActorHost } from '../runtime/actor-ref.js';
import { encodeValue } from '../runtime/codec.js';
import { WATCH } from '../runtime/envelope.js';
import { IncomingStream } from '../runtime/incoming-stream.js';
import { type AnyProtocol, type Messages, type Protocol, slotFor } from '../runtime/protocol.js';
import { type Answer, type AskOptions, type Ending, endingOf } from '../runtime/ref.js';
import { Routes } from '../runtime/routes.js';
import { NOBODY } from '../runtime/shard-map.js';
import type { TestProcess } from './test-process.js';

const ASK_TIMEOUT_MS = 30_000;
const TOO_MANY_ASKS: Fault = { code: 'OVERLOADED', params: { what: 'requests in flight' } };

export class TestHost implements ActorHost {
  readonly #routes: Routes;
  readonly #process: () => TestProcess;

  /** `process`: the one that lives now. */
  constructor(protocols: readonly AnyProtocol[], process: () => TestProcess) {
    this.#routes = new Routes(protocols);
    this.#process = process;
  }

  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<M[K]['reply']>> {
    const { asks } = this.#process();
    if (asks.isFull) return Promise.resolve({ ok: false, fault: TOO_MANY_ASKS });
    const correlation = asks.next();
    const worker = this.#send(to, key, this.#numberOf(to, message), args, correlation, options);
    if (typeof worker !== 'number') return Promise.resolve({ ok: false, fault: worker });
    return new Promise((resolve) => {
      const settle = resolve as (answer: Answer<unknown>) => void;
      asks.wait(correlation, worker, options.timeoutMs ?? ASK_TIMEOUT_MS, settle);
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
    const process = this.#process();
    const { asks } = process;
    const correlation = asks.next();
    let worker: number | Fault = TOO_MANY_ASKS;
    const stream = new IncomingStream((items) => {
      if (items === 0) asks.forget(correlation);
      if (typeof worker !== 'number') return;
      process.link(worker)?.allow({ correlation, items });
      process.planSend();
    });
    if (!asks.isFull) worker = this.#send(to, key, this.#numberOf(to, message), args, correlation, {});
    if (typeof worker !== 'number') {
      stream.settle({ ok: false, fault: worker });
      return stream;
    }
    const settle = (answer: Answer<unknown>): void => stream.settle(answer);
    asks.wait(correlation, worker, Number.POSITIVE_INFINITY, settle, (item) => stream.item(item));
    return stream;
  }

  watch(to: AnyProtocol, key: string, ended: (ending: Ending) => void): () => void {
    const { asks } = this.#process();
    const correlation = asks.next();
    const worker = this.#send(to, key, WATCH, null, correlation, {});
    if (typeof worker !== 'number') {
      ended(endingOf(worker));
      return () => undefined;
    }
    asks.wait(correlation, worker, Number.POSITIVE_INFINITY, (answer) => {
      if (!answer.ok) ended(endingOf(answer.fault));
    });
    const process = this.#process();
    return () => {
      asks.forget(correlation);
      process.link(worker)?.allow({ correlation, items: 0 });
      process.planSend();
    };
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
    const process = this.#process();
    const { kind, protocol } = this.#routes.to(to);
    const slot = slotFor(protocol, key);
    const worker = process.map.owner(slot);
    const link = worker === NOBODY ? undefined : process.link(worker);
    if (link === undefined) return { code: 'SLOT_MOVING' };
    const sent = link.send({
      slot,
      kind,
      key,
      message,
      senderKind: 0,
      senderKey: '',
      correlation,
      control: false,
      durability: options.durability ?? 'durable',
      idempotency: options.idempotency,
      chain: undefined,
      payload: encodeValue(args),
    });
    if (!sent) return { code: 'OVERLOADED', params: { what: 'the link to the worker' } };
    process.planSend();
    return worker;
  }

  #numberOf(to: AnyProtocol, message: string): number {
    return Routes.numberOf(this.#routes.to(to), message);
  }
}
