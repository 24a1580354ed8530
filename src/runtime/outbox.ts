// Outbox
//
// Everything that the turns of a shard say, on its way out: behind the gate of its commit record, and then over a link
// or back into the shard.
//
// Owns:     the gates, and the links to other threads.
// Does not: decide what is said (turn.ts), or what a failed commit does to an actor (shard.ts).
//
// O1. What a turn said leaves only when everything its actor wrote up to then is durable.
// O2. An answer whose commit failed leaves as COMMIT_FAILED; a tell whose commit failed was never said.
// O3. Answers and credit go to the connection that an envelope came by, or to nobody: never to its peer's next life.

import type { Fault } from '../errors.js';
import { type AnyKind, Refusal } from './actor.js';
import { formatAddress } from './address.js';
import type { Cell } from './cell.js';
import { encodeValue } from './codec.js';
import type { DeadLetters } from './dead-letter.js';
import type { Envelope, LocalMessage } from './envelope.js';
import { Gates } from './gate.js';
import type { Link } from './link.js';
import { NOBODY, type ShardMap } from './shard-map.js';
import type { TellEffect } from './turn.js';

export type Output =
  | {
      readonly kind: 'reply';
      readonly to: Envelope;
      readonly fault: boolean;
      readonly payload: Uint8Array;
      readonly replayed: boolean;
    }
  | { readonly kind: 'tell'; readonly tell: TellEffect; readonly sender: number }
  /** The actor waited for its commits before it starts again. */
  | { readonly kind: 'wake'; readonly cell: Cell };

export interface OutboxHooks {
  readonly deliverHere: (message: LocalMessage) => void;
  readonly wake: (cell: Cell) => void;
  /** Something was put on a link outside of a tick: it must be flushed. */
  readonly plan: () => void;
  readonly now: () => number;
}

export interface OutboxOptions {
  readonly kinds: readonly AnyKind[];
  readonly map: ShardMap;
  /** The slots of this shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly deadLetters: DeadLetters;
}

const COMMIT_FAILED: Fault = { code: 'COMMIT_FAILED' };

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #hooks: OutboxHooks;
  /** By peer: where tells go. */
  readonly #peers = new Map<number, { readonly connection: number; readonly link: Link }>();
  /** By connection: where answers and credit go (O3). */
  readonly #links = new Map<number, Link>();
  #connections = 0;
  readonly gates: Gates<Output>;

  constructor(options: OutboxOptions, hooks: OutboxHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.gates = new Gates<Output>(
      (output) => this.#release(output),
      (output) => this.#withdraw(output),
    );
  }

  /** The number of the connection: the `origin` of what comes by it. */
  connect(peer: number, link: Link): number {
    this.disconnect(peer);
    const connection = ++this.#connections;
    this.#peers.set(peer, { connection, link });
    this.#links.set(connection, link);
    return connection;
  }

  disconnect(peer: number): void {
    const former = this.#peers.get(peer);
    if (former === undefined) return;
    this.#links.delete(former.connection);
    this.#peers.delete(peer);
  }

  flush(): void {
    for (const link of this.#links.values()) link.flush();
  }

  /** Lets an output out behind everything that `cell` has written so far (O1). */
  hold(cell: Cell, output: Output): void {
    this.gates.hold(cell.lastRecord, output);
  }

  /** An answer that promises nothing durable. */
  sendNow(to: Envelope, payload: Uint8Array): void {
    this.#send(to, false, payload, false);
  }

  /** An error, at once: it promises nothing. */
  answer(envelope: Envelope, fault: Fault): void {
    this.#send(envelope, true, encodeFault(fault), false);
  }

  /** The envelope is done with: its sender may send as many bytes again. */
  credit(envelope: Envelope): void {
    if (envelope.bytes > 0) this.#links.get(envelope.origin)?.credit(envelope.bytes);
  }

  #release(output: Output): void {
    switch (output.kind) {
      case 'reply':
        this.#send(output.to, output.fault, output.payload, output.replayed);
        break;
      case 'tell':
        this.#tell(output.tell, output.sender);
        break;
      case 'wake':
        this.#hooks.wake(output.cell);
        break;
      default:
        output satisfies never;
    }
  }

  #withdraw(output: Output): void {
    switch (output.kind) {
      case 'reply':
        this.answer(output.to, COMMIT_FAILED);
        break;
      case 'tell':
        break;
      case 'wake':
        this.#hooks.wake(output.cell);
        break;
      default:
        output satisfies never;
    }
  }

  #send(to: Envelope, fault: boolean, payload: Uint8Array, replayed: boolean): void {
    if (to.correlation === 0) return;
    this.#links.get(to.origin)?.answer({ correlation: to.correlation, fault, replayed, payload });
    this.#hooks.plan();
  }

  #tell(tell: TellEffect, sender: number): void {
    const { slot, kind, key, message, payload, args } = tell;
    if (this.#options.epochs.has(slot)) {
      const local = payload === undefined ? args : undefined;
      this.#hooks.deliverHere({ slot, kind, key, message, payload, args: local, sender, control: false });
      return;
    }
    const owner = this.#options.map.owner(slot);
    const link = owner === NOBODY ? undefined : this.#peers.get(owner + 1)?.link;
    const sent = link?.send({
      slot,
      kind,
      key,
      message,
      sender,
      correlation: 0,
      control: false,
      durability: 'durable',
      idempotency: undefined,
      payload: payload ?? encodeValue(args),
    });
    if (sent === true) {
      this.#hooks.plan();
      return;
    }
    const { protocol } = this.#options.kinds[kind]!;
    this.#options.deadLetters.add({
      address: formatAddress({ kind: protocol.kind, key }),
      message: protocol.messages[message]!,
      reason: link === undefined ? 'SLOT_MOVING' : 'OVERLOADED',
      at: this.#hooks.now(),
    });
  }
}

/** What a handler answered, as the payload of a reply. */
export function encodeAnswer(answer: unknown): Uint8Array {
  return answer instanceof Refusal ? encodeFault(answer) : encodeValue(answer ?? null);
}

function encodeFault(fault: Fault): Uint8Array {
  return encodeValue({ code: fault.code, params: fault.params ?? {} });
}
