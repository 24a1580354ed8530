// Turn double
//
// What the runtime is to a behaviour, in one thread and without it: an ordered store, counters, events, timers on a
// clock in the test's hand. It keeps the promises of src/runtime/actor.ts and fails a test that breaks one.
//
// Not here: mailboxes, gates, retries. Commits are immediate unless `holdCommits()`; then they wait, so that a test
// sees what a turn sees while its own writes are on their way, and may lose them. What is committed everybody sees at once:
// nobody waits for others' writes.

import assert from 'node:assert/strict';
import type {
  ActorKind,
  Context,
  Key,
  KeyedValue,
  Messages,
  OwnStore,
  Protocol,
  RangeQuery,
  ReplyHandle,
  StoreReads,
} from '../../src/runtime/actor.js';
import { LATER } from '../../src/runtime/actor.js';
import { compareKeys, matches } from './key-order.js';
import { OrderedRows } from './ordered-rows.js';
import { type OpenAsk, type Outcome, outcomeOf, type RecordedEvent, type Sent } from './outcome.js';
import { plain } from './plain-data.js';

export type { OpenAsk, RecordedEvent } from './outcome.js';

interface Effects {
  readonly writes: { readonly key: Key; readonly value: unknown }[];
  readonly counters: { readonly name: string; readonly delta: number }[];
  readonly events: RecordedEvent[];
  readonly after: (() => void)[];
}

const DELETED = Symbol('deleted');
const START_MS = Date.UTC(2026, 0, 1);

/** One store, one clock, any number of actors. */
export class World {
  now = START_MS;
  readonly events: RecordedEvent[] = [];
  readonly #rows = new OrderedRows();
  readonly #counters = new Map<string, number>();
  readonly #actors = new Map<string, AnyDouble>();
  /** What was told to others, which nobody has handled yet. */
  sent: Sent[] = [];
  /** Counters with everything in flight. */
  readonly #reserved = new Map<string, number>();
  #pending: { readonly effects: Effects; readonly applied: () => void }[] = [];
  #holding = false;

  actor<S, M extends Messages>(kind: ActorKind<S, M>, key: string): ActorDouble<S, M> {
    const double = new ActorDouble<S, M>(this, kind, key);
    assert.ok(!this.#actors.has(`${kind.protocol.kind}/${key}`), 'one activation of an address at a time (G1)');
    this.#actors.set(`${kind.protocol.kind}/${key}`, double as unknown as AnyDouble);
    return double;
  }

  /** Moves the clock and fires what is due, in order. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      let next: { readonly at: number; readonly fire: () => void } | undefined;
      for (const actor of this.#actors.values()) {
        const due = actor.nextTimer();
        if (due !== undefined && due.at <= until && (next === undefined || due.at < next.at)) next = due;
      }
      if (next === undefined) break;
      this.now = Math.max(this.now, next.at);
      next.fire();
    }
    this.now = until;
  }

  holdCommits(): void {
    this.#holding = true;
  }

  /** Makes everything held durable. */
  commitHeld(): void {
    this.#holding = false;
    for (const { effects, applied } of this.#pending.splice(0)) this.#apply(effects, applied);
  }

  /** The process dies: what was not committed never was, and every actor starts again from the store. */
  kill(): void {
    this.#pending = [];
    this.#holding = false;
    this.#reserved.clear();
    for (const [name, value] of this.#counters) this.#reserved.set(name, value);
    for (const actor of this.#actors.values()) actor.crash();
  }

  /** The durable rows of a table, in order. */
  table(name: string): KeyedValue[] {
    return this.range({ under: [name], limit: Number.POSITIVE_INFINITY });
  }

  /** All durable rows, in order. */
  get rows(): readonly KeyedValue[] {
    return this.#rows.all;
  }

  row(key: Key): unknown {
    return this.#rows.get(key);
  }

  counter(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  /** `own`: writes that are not durable yet, newest per key; DELETED hides. */
  range(query: RangeQuery, own: readonly KeyedValue[] = []): KeyedValue[] {
    const isOwn = (key: Key) => own.some((write) => compareKeys(write.key, key) === 0);
    const durable = this.#rows.all.filter(({ key }) => matches(key, query) && (own.length === 0 || !isOwn(key)));
    const added = own.filter(({ key, value }) => value !== DELETED && matches(key, query));
    const found = added.length === 0 ? durable : [...durable, ...added].sort((a, b) => compareKeys(a.key, b.key));
    return (query.reverse === true ? found.reverse() : found).slice(0, query.limit);
  }

  reserve(name: string, delta: number, max: number): boolean {
    const next = (this.#reserved.get(name) ?? 0) + delta;
    if (next > max) return false;
    this.#reserved.set(name, next);
    return true;
  }

  commit(effects: Effects, applied: () => void): void {
    if (this.#holding) this.#pending.push({ effects, applied });
    else this.#apply(effects, applied);
  }

  #apply(effects: Effects, applied: () => void): void {
    for (const { key, value } of effects.writes) {
      if (value === DELETED) this.#rows.delete(key);
      else this.#rows.put(key, value);
    }
    for (const { name, delta } of effects.counters) {
      this.#counters.set(name, this.counter(name) + delta);
      if (delta < 0) this.reserve(name, delta, Number.POSITIVE_INFINITY);
    }
    this.events.push(...effects.events);
    applied();
    for (const run of effects.after) run();
  }
}

type AnyDouble = ActorDouble<unknown, Messages>;

/** One actor: asks run as turns, at once. */
export class ActorDouble<S, M extends Messages> {
  /** Tells to itself that wait to be run. */
  readonly told: { readonly message: string; readonly args: unknown }[] = [];
  #state: { readonly value: S } | undefined;
  /** Its own effects that are not durable yet, by key. */
  readonly #overlay = new Map<string, { readonly key: Key; readonly value: unknown; readonly pending: number }>();
  readonly #timers = new Map<string, { readonly at: number; readonly message: string; readonly args: unknown }>();
  /** As timers, but stored. */
  readonly #reminders = new Map<string, { readonly at: number; readonly message: string; readonly args: unknown }>();
  readonly #asks = new Map<ReplyHandle, OpenAsk<unknown>>();

  constructor(
    readonly world: World,
    readonly kind: ActorKind<S, M>,
    readonly key: string,
  ) {}

  get state(): S {
    this.#state ??= {
      value: this.kind.activate({
        kind: this.kind.protocol.kind,
        key: this.key,
        now: this.world.now,
        store: this.#reads(),
      }),
    };
    return this.#state.value;
  }

  get mayPassivate(): boolean {
    return this.kind.mayPassivate?.(this.state) ?? this.#timers.size === 0;
  }

  get timers(): readonly string[] {
    return [...this.#timers.keys()];
  }

  get reminders(): readonly string[] {
    return [...this.#reminders.keys()];
  }

  get residentBytes(): number {
    return this.kind.residentBytes(this.state);
  }

  ask<K extends keyof M & string>(message: K, args: M[K]['args']): Outcome<M[K]['reply']> {
    return this.#turn(message, args, true) as unknown as Outcome<M[K]['reply']>;
  }

  tell<K extends keyof M & string>(message: K, args: M[K]['args']): void {
    this.#turn(message, args, false);
  }

  /** The value of an ask that must be answered. */
  answer<K extends keyof M & string>(message: K, args: M[K]['args']): M[K]['reply'] {
    const outcome = this.ask(message, args);
    assert.equal(outcome.kind, 'answered', `${message} was ${JSON.stringify(outcome)}`);
    return outcome.kind === 'answered' ? outcome.value : undefined;
  }

  /** The error code of an ask that must be refused. */
  refusal<K extends keyof M & string>(message: K, args: M[K]['args']): string {
    const outcome = this.ask(message, args);
    assert.equal(outcome.kind, 'refused', `${message} was ${JSON.stringify(outcome)}`);
    return outcome.kind === 'refused' ? outcome.code : '';
  }

  /** The ask of a message that must stay open. */
  open<K extends keyof M & string>(message: K, args: M[K]['args']): OpenAsk<M[K]['reply']> {
    const outcome = this.ask(message, args);
    assert.ok(outcome.kind === 'open', `${message} was ${JSON.stringify(outcome)}`);
    return outcome.ask;
  }

  /** Runs one tell to itself. False when there was none. */
  runTold(): boolean {
    const next = this.told.shift();
    if (next !== undefined) this.#turn(next.message, next.args, false);
    return next !== undefined;
  }

  /** The activation dies with its memory, timers, tells and open asks; what was committed stays. */
  crash(): void {
    this.#state = undefined;
    this.#timers.clear();
    this.#overlay.clear();
    this.told.length = 0;
    for (const ask of this.#asks.values()) ask.outcome = 'lost';
    this.#asks.clear();
  }

  /** Fires a timer now, whenever it is due. */
  fire(name: string): void {
    const timer = this.#timers.get(name) ?? this.#reminders.get(name);
    assert.ok(timer !== undefined, `the timer ${name} is set`);
    if (!this.#timers.delete(name)) this.#reminders.delete(name);
    this.#turn(timer.message, timer.args, false);
  }

  nextTimer(): { readonly at: number; readonly fire: () => void } | undefined {
    let next: { readonly at: number; readonly fire: () => void } | undefined;
    for (const [name, { at }] of [...this.#timers, ...this.#reminders]) {
      if (next === undefined || at < next.at) next = { at, fire: () => this.fire(name) };
    }
    return next;
  }

  #turn(message: string, args: unknown, asked: boolean): Outcome<unknown> {
    assert.ok(this.kind.protocol.messages.includes(message), `${message} is in the protocol`);
    const effects: Effects = { writes: [], counters: [], events: [], after: [] };
    const ask: OpenAsk<unknown> = { outcome: undefined, items: [], isRead: true };
    let handle: ReplyHandle | undefined;
    const replyHandle = () => {
      if (!asked || handle !== undefined) return handle;
      handle = Symbol('ask') as unknown as ReplyHandle;
      this.#asks.set(handle, ask);
      return handle;
    };
    let result: unknown;
    const state = this.state;
    try {
      result = this.kind.handlers[message as keyof M & string](this.#context(effects, replyHandle), args);
    } catch (error) {
      this.crash();
      throw error;
    }
    assert.ok(!(result instanceof Promise), 'these behaviours answer at once');
    const isBlank = this.kind.isBlank?.(state) === true;
    if (handle !== undefined && result !== LATER) this.#asks.delete(handle);
    this.world.commit(effects, () => this.#settle(effects));
    if (isBlank && this.#timers.size === 0 && this.#asks.size === 0) this.#state = undefined;
    if (result !== LATER) return outcomeOf(result);
    assert.ok(handle !== undefined, 'LATER needs a reply handle');
    return { kind: 'open', ask };
  }

  #settle(effects: Effects): void {
    for (const { key } of effects.writes) {
      const name = JSON.stringify(key);
      const own = this.#overlay.get(name);
      if (own === undefined) continue;
      if (own.pending === 1) this.#overlay.delete(name);
      else this.#overlay.set(name, { ...own, pending: own.pending - 1 });
    }
  }

  #write(effects: Effects, key: Key, value: unknown): void {
    assert.ok(this.kind.tables.includes(key[0]), `table ${key[0]} is declared (A3)`);
    effects.writes.push({ key, value });
    const name = JSON.stringify(key);
    const pending = (this.#overlay.get(name)?.pending ?? 0) + 1;
    this.#overlay.set(name, { key, value, pending });
  }

  #reads(): StoreReads {
    const { world } = this;
    return {
      get: (at) => {
        const own = this.#overlay.get(JSON.stringify(at));
        if (own !== undefined) return own.value === DELETED ? undefined : own.value;
        return world.row(at);
      },
      range: (query) => world.range(query, [...this.#overlay.values()]),
      rangeKeys: (query) => world.range(query, [...this.#overlay.values()]).map((row) => row.key),
      count: (query) => world.range({ ...query, limit: Number.POSITIVE_INFINITY }, [...this.#overlay.values()]).length,
      counter: (name) => world.counter(name),
    };
  }

  #context(effects: Effects, replyHandle: () => ReplyHandle | undefined): Context<S, M> {
    const { world, key, kind } = this;
    const self = { kind: kind.protocol.kind, key };
    const absent = (what: string) => () => assert.fail(`these behaviours do not ${what}`);
    const store: OwnStore = {
      ...this.#reads(),
      put: (key, value) => this.#write(effects, key, plain(value)),
      delete: (key) => this.#write(effects, key, DELETED),
      add: (name, delta) => {
        // Room that a shrinking makes is there when it is durable, not before.
        if (delta > 0) world.reserve(name, delta, Number.POSITIVE_INFINITY);
        effects.counters.push({ name, delta });
      },
      reserve: (name, delta, max) => {
        assert.ok(delta > 0, 'reserve takes a positive delta');
        if (!world.reserve(name, delta, max)) return false;
        effects.counters.push({ name, delta });
        return true;
      },
    };
    return {
      ...self,
      self,
      now: world.now,
      state: this.state,
      sender: undefined,
      store,
      log: { info: () => undefined, warn: () => undefined },
      random: () => 0.5,
      ask: absent('ask'),
      remind: (name, at, message, args) => {
        effects.after.push(() => this.#reminders.set(name, { at, message, args: plain(args) }));
      },
      forget: (name) => {
        effects.after.push(() => this.#reminders.delete(name));
      },
      watch: absent('watch'),
      stop: absent('stop'),
      rewriteEvent: absent('rewrite events'),
      emit: (type, agent, data) => effects.events.push(plain({ type, agent, data }) as RecordedEvent),
      tell: <N extends Messages>(to: Protocol<N>, toKey: string, message: string, args: unknown) => {
        assert.ok(to.messages.includes(message), `${message} is in the protocol of ${to.kind}`);
        const address = `${to.kind}/${toKey}`;
        const isSelf = address === `${this.kind.protocol.kind}/${this.key}`;
        effects.after.push(() => {
          if (isSelf) this.told.push({ message, args: plain(args) });
          else world.sent.push({ to: address, message, args: plain(args) });
        });
      },
      replyHandle,
      reply: (handle, answer) => {
        const ask = this.#asks.get(handle);
        assert.ok(ask !== undefined, 'an ask is answered once, by the activation that kept it');
        this.#asks.delete(handle);
        effects.after.push(() => {
          if (ask.isRead) ask.outcome = outcomeOf(answer);
        });
      },
      push: (handle, item) => {
        const ask = this.#asks.get(handle);
        if (ask?.isRead !== true) return false;
        const given = plain(item) as never;
        effects.after.push(() => ask.isRead && ask.items.push(given));
        return true;
      },
      schedule: (name, delayMs, message, args) => {
        assert.ok(delayMs >= 0 && Number.isFinite(delayMs), 'a timer has a delay');
        this.#timers.set(name, { at: world.now + delayMs, message, args });
      },
      cancel: (name) => {
        this.#timers.delete(name);
      },
    };
  }
}
