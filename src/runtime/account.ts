// Account
//
// Which actors of a shard take its time, its memory and its patience: what explain() tells. Always on, so it looks at
// samples of the turns, and at every refusal.
//
//     turns ──samples──▶ heaviest by key, halved every WINDOW_MS ──explain()──▶ rows
//     mailboxes that wait ──────────────────────────────────────────────────▶
//
// Owns:     the samples.
// Does not: change anything (it only looks).
//
// AC1. What it holds is bounded, whatever the number of actors.
// AC2. Of turns it has estimates, of the last minutes.

import type { Clock } from '../clock.js';
import { formatAddress } from './address.js';
import type { Cell } from './cell.js';
import type { Envelope } from './envelope.js';
import { HeavyHitters } from './heavy-hitters.js';
import type { Routes } from './routes.js';

const ACTORS_HELD = 128;
const PAIRS_HELD = 512;
const WINDOW_MS = 60_000;
const SENDERS_TOLD = 3;
/** Waiting mailboxes that are looked at for one explanation. */
const WAITING_LOOKED_AT = 10_000;
/** Of one mailbox. */
const MESSAGES_LOOKED_AT = 1_000;
/** What comes from outside of all actors. */
const OUTSIDE = 'outside';

/** One actor, as far as it was seen. */
export interface ActorExplanation {
  readonly address: string;
  /** Messages that wait for it, and their bytes. */
  readonly mailboxDepth: number;
  readonly mailboxBytes: number;
  /** For how long its mailbox has not been empty. */
  readonly waitMs: number;
  /** Time on its thread, estimated, of the last minutes. */
  readonly turnMs: number;
  /** What it keeps in memory, when it was last seen. */
  readonly residentBytes: number;
  /** Messages to it that were refused or given up, of the last minutes. */
  readonly refusals: number;
  /**
   * Who sends it most, the heaviest first: of what waits for it, counted; where nothing waits, of what it handled in the
   * last minutes, estimated.
   */
  readonly senders: readonly { readonly address: string; readonly messages: number }[];
}

export class Account {
  readonly #clock: Clock;
  readonly #routes: Routes;
  readonly #turnMs = new HeavyHitters(ACTORS_HELD);
  readonly #bytes = new Map<string, number>();
  readonly #refusals = new HeavyHitters(ACTORS_HELD);
  readonly #pairs = new HeavyHitters(PAIRS_HELD);
  #halvedAt: number;

  constructor(clock: Clock, routes: Routes) {
    this.#clock = clock;
    this.#routes = routes;
    this.#halvedAt = clock.monotonic();
  }

  /** The turn of this envelope took so long, and stands for `weight` turns. */
  ran(cell: Cell, envelope: Envelope, ms: number, weight: number): void {
    this.#forgetOld();
    const { address } = cell;
    this.#turnMs.add(address, ms * weight);
    this.#pairs.add(`${address.length} ${address}${this.#senderOf(envelope)}`, weight);
    this.#bytes.delete(address);
    this.#bytes.set(address, cell.residentBytes);
    if (this.#bytes.size > ACTORS_HELD) this.#bytes.delete(this.#bytes.keys().next().value!);
  }

  refused(address: string): void {
    this.#refusals.add(address, 1);
  }

  /** At most `top` by each measure, without an order. `find` gives the cell of an address that is here. */
  explain(top: number, waiting: Iterable<Cell>, find: (address: string) => Cell | undefined): ActorExplanation[] {
    this.#forgetOld();
    const deepest: Cell[] = [];
    let looks = 0;
    for (const cell of waiting) {
      if (looks++ >= WAITING_LOOKED_AT) break;
      deepest.push(cell);
    }
    const depth = (a: Cell, b: Cell): number => b.mailbox.depth - a.mailbox.depth;
    const longest = (a: Cell, b: Cell): number => a.waitingSince - b.waitingSince;
    const addresses = new Set([
      ...[...deepest]
        .sort(depth)
        .slice(0, top)
        .map(({ address }) => address),
      ...[...deepest]
        .sort(longest)
        .slice(0, top)
        .map(({ address }) => address),
      ...this.#turnMs.top(top).map(({ key }) => key),
      ...this.#refusals.top(top).map(({ key }) => key),
      ...[...this.#bytes]
        .sort((a, b) => b[1] - a[1])
        .slice(0, top)
        .map(([address]) => address),
    ]);
    const handled = this.#sendersOf(addresses);
    return [...addresses].map((address) => {
      const cell = find(address);
      const waiting = cell === undefined ? [] : this.#waitingIn(cell);
      return this.#explanation(address, cell, waiting.length > 0 ? waiting : (handled.get(address) ?? []));
    });
  }

  #explanation(address: string, cell: Cell | undefined, senders: ActorExplanation['senders']): ActorExplanation {
    const depth = cell?.mailbox.depth ?? 0;
    return {
      address,
      mailboxDepth: depth,
      mailboxBytes: cell?.mailbox.bytes ?? 0,
      waitMs:
        cell === undefined || depth === 0 ? 0 : Math.max(0, Math.round(this.#clock.monotonic() - cell.waitingSince)),
      turnMs: this.#turnMs.get(address),
      residentBytes: cell?.residentBytes ?? this.#bytes.get(address) ?? 0,
      refusals: this.#refusals.get(address),
      senders,
    };
  }

  #sendersOf(addresses: ReadonlySet<string>): ReadonlyMap<string, ActorExplanation['senders']> {
    const senders = new Map<string, { address: string; messages: number }[]>();
    for (const { key, weight } of this.#pairs.top(PAIRS_HELD)) {
      const start = key.indexOf(' ') + 1;
      const end = start + Number.parseInt(key, 10);
      const [to, from] = [key.slice(start, end), key.slice(end)];
      if (!addresses.has(to)) continue;
      const known = senders.get(to) ?? [];
      if (known.length < SENDERS_TOLD) known.push({ address: from, messages: Math.round(weight) });
      senders.set(to, known);
    }
    return senders;
  }

  /** Who sent what waits: of as many messages as are looked at. */
  #waitingIn({ mailbox }: Cell): ActorExplanation['senders'] {
    const counts = new HeavyHitters(ACTORS_HELD);
    for (const envelope of mailbox.first(MESSAGES_LOOKED_AT)) counts.add(this.#senderOf(envelope), 1);
    return counts.top(SENDERS_TOLD).map(({ key, weight }) => ({ address: key, messages: weight }));
  }

  #senderOf({ senderKind, senderKey }: Envelope): string {
    if (senderKind === 0) return OUTSIDE;
    return formatAddress({ kind: this.#routes.name(senderKind - 1), key: senderKey });
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    if (now - this.#halvedAt < WINDOW_MS) return;
    this.#halvedAt = now;
    for (const weights of [this.#turnMs, this.#refusals, this.#pairs]) weights.halve();
  }
}
