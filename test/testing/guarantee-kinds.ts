// Actors that make promises visible when they are broken: what they keep has an order, a copy in another table, a count and
// a follower, and a witness outside of the system sees what handlers do while they do it.

import { actor } from '../../src/runtime/actor.js';

export const BOX_CAPACITY = 4;
export const BOX_BYTES_MAX = 600;
export const FRAIL_ATTEMPTS_MAX = 3;
export const FRAIL_FAILURES_MAX = 5;
export const FRAIL_WINDOW_MS = 60_000;

/** What only somebody outside of all actors can see. One for each schedule. */
export class Witness {
  /** What was seen that must not be. */
  readonly violations: string[] = [];
  /** What boxes and frail actors have handled, by address; of frail ones, all attempts. */
  readonly handled = new Map<string, number[]>();
  /** When frail actors failed, on their clock. */
  readonly failedAt: number[] = [];
  /** Items that generators have given. */
  given = 0;
  /** Called when a follower handles an item: is what it follows durable? */
  isDurable: (key: string, item: number) => boolean = () => true;
  /** While it is set, boxes hold what they handle. */
  #held: (() => void)[] = [];
  isHolding = false;
  #era = 0;
  readonly #running = new Map<string, number>();

  /** A handler begins; what it returns is called at its end. */
  enter(address: string): () => void {
    const running = (this.#running.get(address) ?? 0) + 1;
    this.#running.set(address, running);
    if (running > 1) this.violations.push(`${running} turns of ${address} at once`);
    const era = this.#era;
    return () => {
      if (era === this.#era) this.#running.set(address, this.#running.get(address)! - 1);
    };
  }

  /** The process died: handlers that were running do so no more. */
  forgetRunning(): void {
    this.#era++;
    this.#running.clear();
  }

  handledBy(address: string): number[] {
    let items = this.handled.get(address);
    if (items === undefined) {
      items = [];
      this.handled.set(address, items);
    }
    return items;
  }

  hold(): Promise<void> {
    return this.isHolding ? new Promise((resolve) => this.#held.push(resolve)) : Promise.resolve();
  }

  /** Whatever is held goes on, and what comes later is not held. */
  release(): void {
    this.isHolding = false;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

/** `isAlone`: lives of one actor must never overlap (they do while the former life of a lost worker goes on). */
export function makeKinds(witness: Witness, isAlone: boolean) {
  const enter = (address: string): (() => void) => (isAlone ? witness.enter(address) : () => undefined);

  const echo = actor({
    kind: 'echo',
    state: () => ({}),
    messages: {
      say: (_context, item: number) => item,
    },
  });

  /** Writes down from whom it was told what. */
  const copy = actor({
    kind: 'copy',
    persistence: 'keys',
    tables: ['copy'],
    state: (context) => ({ count: context.store.count({ under: ['copy', context.key] }) }),
    messages: {
      note(context, item: number) {
        const from = context.sender === undefined ? 'outside' : `${context.sender.kind}/${context.sender.key}`;
        if (context.sender?.kind === 'book' && !witness.isDurable(context.sender.key, item)) {
          witness.violations.push(`${item} of ${from} was told before it was durable`);
        }
        context.store.put(['copy', context.key, ++context.state.count], [from, item]);
      },
    },
  });

  /** Items in the order of their numbers, twice; the state is all of them. */
  const book = actor({
    kind: 'book',
    persistence: 'keys',
    tables: ['book', 'mirror'],
    counters: ['entries'],
    residentBytes: (state: { items: number[] }) => state.items.length * 8,
    supervision: { backoffMsMin: 1, backoffMsMax: 10, failuresMax: 100 },
    state: (context) => ({
      items: context.store.range({ under: ['book', context.key], limit: 1_000 }).map(({ value }) => Number(value)),
    }),
    messages: {
      add(context, item: number) {
        const leave = enter(`book/${context.key}`);
        const place = context.state.items.push(item);
        context.store.put(['book', context.key, place], item);
        context.store.put(['mirror', context.key, place], item);
        context.store.add('entries', 1);
        context.tell(copy, context.key, 'note', item);
        leave();
        return place;
      },
      /** The place, or -1 when there was no echo and nothing was done. */
      async addSlowly(context, item: number) {
        const leave = enter(`book/${context.key}`);
        const answer = await context.ask(echo, `of ${context.key}`, 'say', item);
        leave();
        if (!answer.ok) return -1;
        const place = context.state.items.push(answer.value);
        context.store.put(['book', context.key, place], item);
        context.store.put(['mirror', context.key, place], item);
        context.store.add('entries', 1);
        return place;
      },
      fail(context, item: number): number {
        context.state.items.push(item);
        context.store.put(['book', context.key, context.state.items.length], item);
        context.tell(copy, context.key, 'note', item);
        throw new RangeError('it was told to fail');
      },
      read: (context) => context.state.items,
    },
  });

  /** Says to a copy what it is told; in writing too when the number is even. */
  const talker = actor({
    kind: 'talker',
    persistence: 'keys',
    tables: ['talker'],
    state: () => ({}),
    messages: {
      say(context, { to, item }: { to: string; item: number }) {
        if (item % 2 === 0) context.store.put(['talker', context.key], item);
        context.tell(copy, to, 'note', item);
      },
    },
  });

  return { book, copy, echo, talker };
}

/** Actors that are slow, many-worded or fail. */
export function makeHardKinds(witness: Witness) {
  const box = actor({
    kind: 'box',
    state: () => ({}),
    mailbox: { capacity: BOX_CAPACITY, bytesMax: BOX_BYTES_MAX },
    messages: {
      async put(context, { item }: { item: number; ballast: string }) {
        await witness.hold();
        witness.handledBy(`box/${context.key}`).push(item);
        return item;
      },
    },
  });

  const fountain = actor({
    kind: 'fountain',
    state: () => ({}),
    messages: {
      *flow(_context) {
        for (;;) yield ++witness.given;
      },
    },
  });

  const frail = actor({
    kind: 'frail',
    state: () => ({}),
    supervision: {
      attemptsMax: FRAIL_ATTEMPTS_MAX,
      failuresMax: FRAIL_FAILURES_MAX,
      failureWindowMs: FRAIL_WINDOW_MS,
      backoffMsMin: 10,
    },
    messages: {
      take(context, item: number) {
        witness.handledBy(`frail/${context.key}`).push(item);
        // Multiples of three are poison.
        if (item % 3 !== 0) return;
        witness.failedAt.push(context.now);
        throw new RangeError(`it cannot take ${item}`);
      },
    },
  });

  return { box, fountain, frail };
}
