// Actors that show on real threads when a guarantee is broken: what they keep has an order, a copy in another table, a
// count and a follower, and what they do while they do it is written into memory that outlives their threads
// (thread-witness.ts).

// Of the runtime alone: a worker that loads no more starts sooner.
import { actor, LATER, type ReplyHandle } from '../../src/runtime/actor.js';
import { witness } from './thread-witness.js';

export const BOX_CAPACITY = 16;
export const BOX_BYTES_MAX = 64 * 1024;
const ROWS_MAX = 100_000;
const RING_MS = 50;
/** Of so many items a book tells its copy of one: whoever follows waits for the tables each time. */
const FOLLOWED_EVERY = 16;

/** What a book keeps at each place: the item, and which of its lives wrote it. */
export type BookRow = readonly [item: number, life: number];
/** What a copy keeps, in the order of coming. */
export type Note = readonly [from: string, item: number];

/** What a book tells its copy of what it wrote. */
interface Followed {
  readonly book: string;
  readonly place: number;
  readonly item: number;
}

/** A turn of the loop of its thread. */
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const bookRow = (book: string, place: number) => ['book', book, place] as const;

export const echo = actor({
  kind: 'echo',
  state: () => ({}),
  messages: { say: (_context, item: number) => item },
});

/** Follows a book, and writes down who told it what. */
export const copy = actor({
  kind: 'copy',
  persistence: 'keys',
  tables: ['copy'],
  mailbox: { capacity: 100_000 },
  reads: { follow: (_key, args) => [bookRow((args as Followed).book, (args as Followed).place)] },
  state: (context) => ({ count: context.store.count({ under: ['copy', context.key] }) }),
  messages: {
    note(context, item: number) {
      const from = context.sender === undefined ? 'outside' : `${context.sender.kind}/${context.sender.key}`;
      context.store.put(['copy', context.key, ++context.state.count], [from, item] satisfies Note);
    },
    /** Told by a book of what it wrote: others must be able to read it by now. */
    follow(context, { book, place, item }: Followed) {
      const row = context.store.get(bookRow(book, place)) as BookRow | undefined;
      if (row?.[0] !== item) witness.violated();
      context.store.put(['copy', context.key, ++context.state.count], [book, item] satisfies Note);
    },
    notes: (context) =>
      context.store.range({ under: ['copy', context.key], limit: ROWS_MAX }).map(({ value }) => value as Note),
  },
});

/** Items at places that rise from 1, twice; the state is all of them. */
export const book = actor({
  kind: 'book',
  persistence: 'keys',
  tables: ['book', 'mirror'],
  counters: ['entries'],
  mailbox: { capacity: 10_000 },
  supervision: { backoffMsMin: 1, backoffMsMax: 5, failuresMax: 10_000 },
  state: (context) => ({
    count: context.store.count({ under: ['book', context.key] }),
    life: witness.activated(context.key),
  }),
  messages: {
    /** The place. */
    add(context, item: number) {
      const leave = witness.enter(context.key, context.state.life);
      const place = ++context.state.count;
      context.store.put(bookRow(context.key, place), [item, context.state.life] satisfies BookRow);
      context.store.put(['mirror', context.key, place], item);
      context.store.add('entries', 1);
      if (item % FOLLOWED_EVERY === 0) context.tell(copy, context.key, 'follow', { book: context.key, place, item });
      leave();
      return place;
    },
    /** The same in several turns of the loop. The place, or -1 when there was no echo and nothing was done. */
    async addSlowly(context, item: number) {
      const leave = witness.enter(context.key, context.state.life);
      const before = context.state.count;
      const answer = await context.ask(echo, `of ${context.key} ${item % 5}`, 'say', item);
      await pause();
      if (context.state.count !== before) witness.violated();
      let place = -1;
      if (answer.ok) {
        place = ++context.state.count;
        context.store.put(bookRow(context.key, place), [item, context.state.life] satisfies BookRow);
        await pause();
        context.store.put(['mirror', context.key, place], item);
        context.store.add('entries', 1);
      }
      leave();
      return place;
    },
    /** Does all that a turn can do, and fails. */
    fail(context, item: number): number {
      putEverything(context, item);
      throw new RangeError('it was told to fail');
    },
    async failSlowly(context, item: number): Promise<number> {
      putEverything(context, item);
      await pause();
      throw new RangeError('it was told to fail');
    },
    *failWithin(context, item: number) {
      yield item;
      putEverything(context, item);
      throw new RangeError('it was told to fail');
    },
    rows: (context) =>
      context.store.range({ under: ['book', context.key], limit: ROWS_MAX }).map(({ value }) => value as BookRow),
    mirror: (context) =>
      context.store.range({ under: ['mirror', context.key], limit: ROWS_MAX }).map(({ value }) => value as number),
    entries: (context) => context.store.counter('entries'),
    /** Its thread ends in the middle of the turn. */
    exit: (): void => process.exit(3),
  },
});

function putEverything(context: Parameters<(typeof book)['handlers']['add']>[0], item: number): void {
  const place = ++context.state.count;
  context.store.put(bookRow(context.key, place), [item, context.state.life] satisfies BookRow);
  context.store.put(['mirror', context.key, place], item);
  context.store.add('entries', 1);
  context.emit('added', context.key, { item });
  context.tell(copy, context.key, 'note', item);
  context.schedule('late', 0, 'add', item);
  context.remind('later', context.now, 'add', item);
}

/** Says to a copy what it is told; in writing too when the number is even. */
export const talker = actor({
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

/** Keeps asks open until it is told not to. */
export const gate = actor({
  kind: 'gate',
  state: () => ({ waiting: [] as ReplyHandle[] }),
  messages: {
    wait(context) {
      const handle = context.replyHandle();
      if (handle !== undefined) context.state.waiting.push(handle);
      return LATER;
    },
    waiting: (context) => context.state.waiting.length,
    open(context) {
      for (const handle of context.state.waiting.splice(0)) context.reply(handle, null);
    },
  },
});

/** A small mailbox, which fills while it is held. What is before the colon of its key says where it lives. */
export const box = actor({
  kind: 'box',
  place: (key) => key.split(':')[0]!,
  mailbox: { capacity: BOX_CAPACITY, bytesMax: BOX_BYTES_MAX },
  state: () => ({ handled: [] as string[] }),
  messages: {
    async hold(context) {
      await context.ask(gate, context.key, 'wait', undefined);
      context.state.handled.push('hold');
    },
    put(context, { item }: { item: string; ballast?: string }) {
      context.state.handled.push(item);
      return item;
    },
    /** Timers of one thread ring in the order in which they were set. */
    arm(context) {
      context.schedule('ring', RING_MS, 'ring', undefined);
    },
    ring(context) {
      context.state.handled.push('ring');
    },
    handled: (context) => context.state.handled,
    /** Its whole thread stands still for as long as the test wants. */
    stall(): void {
      witness.stall();
    },
    *flow(context) {
      for (;;) {
        context.state.handled.push('given');
        yield context.state.handled.length;
      }
    },
  },
});

/** Tells boxes more than they take. */
export const teller = actor({
  kind: 'teller',
  state: () => ({}),
  messages: {
    flood(context, { to, items }: { to: string; items: readonly string[] }) {
      for (const item of items) context.tell(box, to, 'put', { item });
    },
    async ask(context, { to, item }: { to: string; item: string }): Promise<string> {
      const answer = await context.ask(box, to, 'put', { item });
      return answer.ok ? 'done' : answer.fault.code;
    },
  },
});

/** Cannot take what three divides, unless it is cured. Attempts and failures are bounded as they are by default. */
export const frail = actor({
  kind: 'frail',
  persistence: 'state',
  state: () => ({ taken: [] as number[], isCured: false }),
  supervision: { backoffMsMin: 1, backoffMsMax: 5 },
  messages: {
    take(context, item: number) {
      witness.attempted(item);
      if (item % 3 === 0 && !context.state.isCured) throw new RangeError(`it cannot take ${item}`);
      context.state.taken.push(item);
    },
    cure(context) {
      context.state.isCured = true;
    },
    taken: (context) => context.state.taken,
  },
});

/** Says that it is large, and is stored. */
export const LODGER_BYTES = 1_000;
export const lodger = actor({
  kind: 'lodger',
  persistence: 'state',
  residentBytes: () => LODGER_BYTES,
  state: () => ({ paid: 0 }),
  messages: {
    pay(context, amount: number) {
      context.state.paid += amount;
      return context.state.paid;
    },
    paid: (context) => context.state.paid,
  },
});
