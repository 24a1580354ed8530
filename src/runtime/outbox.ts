// Outbox
//
// Everything that the turns of a shard say, on its way out: behind the gate of its commit record, and then over a link
// or back into the shard.
//
// Owns:     the gates, and the links to other threads.
// Does not: decide what is said (turn.ts), or what a failed commit does to an actor (recovery.ts).
//
// O1. What a turn said leaves only when everything its actor wrote up to then is durable.
// O2. An answer whose commit failed leaves as COMMIT_FAILED; a tell whose commit failed was never said.
// O3. Answers and credit go to the connection that an envelope came by, or to nobody: never to its peer's next life.
// O4. Every ask that an actor sends is settled once: by its answer, by its time limit, or because it could not be sent.

import type { Clock } from '../clock.js';
import type { Fault } from '../errors.js';
import { formatAddress } from './address.js';
import type { Asks } from './asks.js';
import type { Cell } from './cell.js';
import { encodeValue } from './codec.js';
import type { DeadLetters } from './dead-letter.js';
import type { Saying } from './effects.js';
import { type Envelope, LOCAL, MESSAGES_MAX } from './envelope.js';
import type { LinkExplanation } from './explanation.js';
import { Gates } from './gate.js';
import { LINK_BYTES_MAX, type Link } from './link.js';
import type { LocalTell } from './local-tell.js';
import { Refusal } from './refusal.js';
import type { Routes } from './routes.js';
import { NOBODY, type ShardMap } from './shard-map.js';
import { type TracedCommit, Tracer } from './tracer.js';

export interface ReplyOutput {
  readonly kind: 'reply';
  readonly to: Envelope;
  readonly fault: boolean;
  /** Undefined: the answer goes to an actor of this thread as it is, in `value`. */
  readonly payload: Uint8Array | undefined;
  readonly value?: unknown;
  readonly replayed: boolean;
  /** It is an item of a stream. */
  readonly more: boolean;
}

export type Output =
  | ReplyOutput
  | Saying
  | LocalTell
  /** A commit that is traced: it has no other effect. */
  | TracedCommit
  /** The actor waited for its commits before it starts again. */
  | { readonly kind: 'wake'; readonly cell: Cell };

export interface OutboxHooks {
  readonly deliverHere: (saying: Saying) => void;
  readonly deliverTell: (tell: LocalTell) => void;
  readonly wake: (cell: Cell) => void;
  /** Something was put on a link outside of a tick: it must be flushed. */
  readonly plan: () => void;
  readonly now: () => number;
}

export interface OutboxOptions {
  readonly routes: Routes;
  readonly asks: Asks;
  readonly map: ShardMap;
  /** The slots of this shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly deadLetters: DeadLetters;
  /** Of spans. */
  readonly clock: Clock;
}

/** The number of the front among the peers (threads/protocol.ts). */
const FRONT = 0;
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
  readonly tracer: Tracer;

  constructor(options: OutboxOptions, hooks: OutboxHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.tracer = new Tracer(options.clock);
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

  isConnected(connection: number): boolean {
    return this.#links.has(connection);
  }

  /** The number of the connection that ended, if there was one. */
  disconnect(peer: number): number | undefined {
    const former = this.#peers.get(peer);
    if (former === undefined) return undefined;
    this.#links.delete(former.connection);
    this.#peers.delete(peer);
    return former.connection;
  }

  flush(): void {
    if (this.tracer.isOn) this.#sendSpans();
    for (const link of this.#links.values()) link.flush();
  }

  #sendSpans(): void {
    const spans = this.tracer.take();
    if (spans !== undefined) this.#peers.get(FRONT)?.link.spans(encodeValue(spans));
  }

  /** Lets an output out behind everything that `cell` has written so far (O1). */
  hold(cell: Cell, output: Output): void {
    this.tracer.follow(output);
    this.gates.hold(cell.lastRecord, output);
  }

  /** The answer to an ask: a volatile one waits for no commit, unless it is an error. */
  reply(cell: Cell, reply: ReplyOutput): void {
    if (reply.to.durability === 'volatile' && !reply.fault) this.#reply(reply);
    else this.hold(cell, reply);
  }

  /** An error, at once: it promises nothing. */
  answer(envelope: Envelope, fault: Fault): void {
    this.#send(envelope, true, encodeFault(fault), false, false);
  }

  /** An error, behind everything that `cell` has said so far. */
  holdFault(cell: Cell, to: Envelope, fault: Fault): void {
    this.hold(cell, { kind: 'reply', to, fault: true, payload: encodeFault(fault), replayed: false, more: false });
  }

  /** The envelope is done with: its sender may send as many bytes again. */
  credit(envelope: Envelope): void {
    if (envelope.bytes > 0) this.#links.get(envelope.origin)?.credit(envelope.bytes);
  }

  /** How full the ways to other threads are. */
  links(): LinkExplanation[] {
    return [...this.#peers].map(([peer, { link }]) => ({
      to: peer === 0 ? 'front' : String(peer - 1),
      inFlightBytes: link.inFlightBytes,
      bytesMax: LINK_BYTES_MAX,
    }));
  }

  /** Something that waits for no commit. */
  sayNow(saying: Saying): void {
    this.#say(saying);
  }

  /** Of a stream that an actor of this shard reads: tells its writer of so many more items. */
  allow(peer: number, correlation: number, items: number): void {
    this.#peers.get(peer)?.link.allow({ correlation, items });
    this.#hooks.plan();
  }

  #release(output: Output): void {
    switch (output.kind) {
      case 'reply':
        this.#reply(output);
        break;
      case 'saying':
        this.#say(output);
        break;
      case 'local-tell':
        this.#hooks.deliverTell(output);
        break;
      case 'traced':
        this.tracer.committed(output, false);
        break;
      case 'wake':
        this.#hooks.wake(output.cell);
        break;
      default:
        output satisfies never;
    }
  }

  #reply(output: ReplyOutput): void {
    const { to, fault, payload, value, replayed, more } = output;
    if (payload === undefined) this.#options.asks.answer(to.correlation, value);
    else this.#send(to, fault, payload, replayed, more, more ? this.tracer.markOf(output) : undefined);
  }

  #withdraw(output: Output): void {
    switch (output.kind) {
      case 'reply':
        // The items before an item that failed have ended the stream already, or this one does.
        this.answer(output.to, COMMIT_FAILED);
        break;
      case 'saying':
        if (output.ask !== undefined) this.settleAsk(output.ask.correlation, COMMIT_FAILED);
        break;
      case 'local-tell':
        break;
      case 'traced':
        this.tracer.committed(output, true);
        break;
      case 'wake':
        this.#hooks.wake(output.cell);
        break;
      default:
        output satisfies never;
    }
  }

  #send(to: Envelope, fault: boolean, payload: Uint8Array, replayed: boolean, more: boolean, mark?: Uint8Array): void {
    const { correlation, origin } = to;
    if (correlation === 0) return;
    const reply = { correlation, fault, replayed, more, payload };
    if (origin === LOCAL) {
      this.#options.asks.settle(reply);
      return;
    }
    this.#links.get(origin)?.answer(reply, mark);
    this.#hooks.plan();
  }

  #say(saying: Saying): void {
    const { slot, to, key, message, senderKind, senderKey, payload, args, ask } = saying;
    if (this.#options.epochs.has(slot)) {
      this.#hooks.deliverHere(saying);
      return;
    }
    const owner = this.#options.map.owner(slot);
    const link = owner === NOBODY ? undefined : this.#peers.get(owner + 1)?.link;
    const outgoing = {
      slot,
      kind: to,
      key,
      message,
      senderKind,
      senderKey,
      correlation: ask === undefined ? 0 : ask.correlation,
      control: false,
      durability: ask === undefined ? 'durable' : ask.durability,
      idempotency: ask?.idempotency,
      chain: ask?.chain,
      payload: payload ?? encodeValue(args),
    };
    const sent = link?.send(outgoing, this.tracer.markOf(saying));
    if (sent === true) {
      this.#hooks.plan();
      return;
    }
    const what = 'the link to another worker';
    const fault: Fault = link === undefined ? { code: 'SLOT_MOVING' } : { code: 'OVERLOADED', params: { what } };
    if (ask !== undefined) {
      this.settleAsk(ask.correlation, fault);
      return;
    }
    // The runtime's own: nobody said it.
    if (message >= MESSAGES_MAX) return;
    this.#options.deadLetters.add({
      address: formatAddress({ kind: this.#options.routes.name(to), key }),
      message: this.#options.routes.messageName(to, message),
      reason: fault.code,
      at: this.#hooks.now(),
      saying,
      payload,
      args,
    });
  }

  /** An ask of this shard ends with this. */
  settleAsk(correlation: number, fault: Fault): void {
    this.#options.asks.settle({ correlation, fault: true, replayed: false, more: false, payload: encodeFault(fault) });
  }
}

/** What a handler answered, as the payload of a reply. */
export function encodeAnswer(answer: unknown): Uint8Array {
  return answer instanceof Refusal ? encodeFault(answer) : encodeValue(answer ?? null);
}

function encodeFault(fault: Fault): Uint8Array {
  return encodeValue({ code: fault.code, params: fault.params ?? {} });
}
