// Inquiries
//
// What the actors of a shard ask others, and whom they watch; and asks that would wait for each other for ever.
//
//     A asks B ──▶ B is busy, and waits for C itself ──probe: A, B──▶ C is busy, and waits for A ──probe: A, B, C──▶ A: a cycle
//
// Owns:     who waits for whom, of the actors of this shard.
// Does not: keep time, or the promises (asks.ts).
//
// IQ1. An ask leaves behind everything that its actor wrote before.
// IQ2. A cycle of actors whose turns wait for each other is found when its last ask arrives; one of these asks is then
//      refused with ASK_CYCLE, and the path.
// IQ3. When an activation ends, nobody whom it watched keeps anything of it.

import type { Fault } from '../errors.js';
import { formatAddress } from './address.js';
import { ASK_TIMEOUT_MS, type Asks, STREAMED } from './asks.js';
import type { Cell } from './cell.js';
import type { Saying } from './effects.js';
import { PROBE } from './envelope.js';
import type { Outbox } from './outbox.js';
import { type Answer, endingOf } from './ref.js';
import type { Routes } from './routes.js';
import type { ShardMap } from './shard-map.js';
import type { AskRequest } from './turn-sources.js';

/** Actors that may wait for each other in a row. */
const CHAIN_MAX = 32;
/** UTF-16 units of their addresses together. */
const CHAIN_LENGTH_MAX = 16_384;
/** Others that one actor may watch. */
const WATCHES_MAX = 1_024;
const TOO_MANY: Fault = { code: 'OVERLOADED', params: { what: 'asks between actors' } };
const TOO_LONG: Fault = {
  code: 'OVERLOADED',
  params: { what: `actors that wait for each other, ${CHAIN_MAX} in a row` },
};

export interface InquiryParts {
  readonly asks: Asks;
  readonly outbox: Outbox;
  readonly routes: Routes;
  readonly map: ShardMap;
  /** The slots of this shard. */
  readonly epochs: ReadonlyMap<number, number>;
  /** Says something to an actor of this shard ahead of what others say. */
  readonly tellSelf: (cell: Cell, message: number, args: unknown) => void;
  /** What a reader or watcher of this shard says to one that it reads or watches here: no more. */
  readonly cancelHere: (correlation: number) => void;
  readonly plan: () => void;
}

export class Inquiries {
  readonly #parts: InquiryParts;

  constructor(parts: InquiryParts) {
    this.#parts = parts;
  }

  /** Calls `resolve` once. */
  ask(cell: Cell, saying: Saying, request: AskRequest, resolve: (answer: Answer<unknown>) => void): void {
    const { asks, outbox, map, plan } = this.#parts;
    const isTooLong = request.chain !== undefined && isLong(request.chain);
    if (asks.isFull || isTooLong) {
      resolve({ ok: false, fault: isTooLong ? TOO_LONG : TOO_MANY });
      return;
    }
    const correlation = asks.next();
    const { timeoutMs = ASK_TIMEOUT_MS, durability, idempotency, chain } = request;
    cell.waits ??= new Map();
    cell.waits.set(correlation, saying);
    const end = (answer: Answer<unknown>): void => {
      cell.waits?.delete(correlation);
      resolve(answer);
    };
    asks.wait(correlation, map.owner(saying.slot), timeoutMs, end, () => {
      asks.forget(correlation);
      this.#cancel(saying.slot, correlation);
      end({ ok: false, fault: STREAMED });
    });
    outbox.hold(cell, { ...saying, ask: { correlation, durability, idempotency, chain } });
    plan();
  }

  /** An ask that the other keeps open as long as it lives; its end comes back as a message, whose number is `args`. */
  watch(cell: Cell, saying: Saying): void {
    const { asks, outbox, routes, map, tellSelf } = this.#parts;
    const { activation } = cell;
    const message = saying.args as number;
    cell.watches ??= new Map();
    const isKnown = [...cell.watches.values()].some(
      (other) => other.to === saying.to && other.key === saying.key && other.args === message,
    );
    if (isKnown) return;
    const address = formatAddress({ kind: routes.name(saying.to), key: saying.key });
    if (asks.isFullOfOpen || cell.watches.size >= WATCHES_MAX) {
      tellSelf(cell, message, { address, ending: 'lost' });
      return;
    }
    const correlation = asks.next();
    cell.watches.set(correlation, saying);
    asks.wait(correlation, map.owner(saying.slot), Number.POSITIVE_INFINITY, (answer) => {
      cell.watches?.delete(correlation);
      if (answer.ok || cell.activation !== activation) return;
      tellSelf(cell, message, { address, ending: endingOf(answer.fault) });
    });
    outbox.hold(cell, {
      ...saying,
      ask: { correlation, durability: 'volatile', idempotency: undefined, chain: undefined },
    });
  }

  /** The actor's activation has ended (IQ3). Its asks come to an end with the turn that waits for them. */
  end(cell: Cell): void {
    if (cell.watches === undefined) return;
    for (const [correlation, { slot }] of cell.watches) {
      this.#parts.asks.forget(correlation);
      this.#cancel(slot, correlation);
    }
    cell.watches = undefined;
  }

  /** An ask lies in the mailbox of a busy actor, which may wait, in the end, for one of those that wait for this ask. */
  suspect(cell: Cell, chain: readonly string[]): void {
    if (cell.waits !== undefined && cell.waits.size > 0) this.#probeOn(cell, chain);
  }

  /** Those of the chain wait for each other, and the last of them for this actor. */
  probed(cell: Cell, chain: readonly string[]): void {
    if (cell.status !== 'busy' || cell.waits === undefined || cell.waits.size === 0) return;
    const { address } = cell;
    const place = chain.indexOf(address);
    if (place < 0) {
      this.#probeOn(cell, chain);
      return;
    }
    const next = chain[place + 1] ?? address;
    for (const [correlation, { to, key }] of cell.waits) {
      if (formatAddress({ kind: this.#parts.routes.name(to), key }) !== next) continue;
      const path = [...chain.slice(place), address].join(' → ');
      this.#parts.outbox.settleAsk(correlation, { code: 'ASK_CYCLE', params: { path } });
      return;
    }
  }

  #probeOn(cell: Cell, chain: readonly string[]): void {
    const longer = [...chain, cell.address];
    if (isLong(longer)) return;
    for (const { to, slot, key } of cell.waits!.values()) {
      this.#parts.outbox.sayNow({
        kind: 'saying',
        to,
        slot,
        key,
        message: PROBE,
        payload: undefined,
        args: longer,
        senderKind: 0,
        senderKey: '',
        ask: undefined,
      });
    }
  }

  #cancel(slot: number, correlation: number): void {
    const { epochs, outbox, map, cancelHere } = this.#parts;
    if (epochs.has(slot)) cancelHere(correlation);
    else outbox.allow(map.owner(slot) + 1, correlation, 0);
  }
}

function isLong(chain: readonly string[]): boolean {
  if (chain.length > CHAIN_MAX) return true;
  let length = 0;
  for (const address of chain) length += address.length;
  return length > CHAIN_LENGTH_MAX;
}
