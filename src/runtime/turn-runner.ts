// Turn runner
//
// Runs the turns of a shard: finds out whether an actor may run now, gives its handler what came, and hands what the
// handler did to the completion, or what it threw to the recovery.
//
// Owns:     the contexts, and the turns that go on after their handler has returned.
// Does not: choose whose turn it is (dispatcher.ts).
//
// TR1. One turn at a time per actor (G2): a cell is busy from the first await of a handler to its end.
// TR2. A turn begins when all that it reads of others' making is in the tables (catch-up.ts).
// TR3. An ask that was answered before under its idempotency key has no second turn.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import type { Meter } from '../metrics.js';
import type { Account } from './account.js';
import type { AnyKind, ForeignReads } from './actor.js';
import { msBetween, stampOf } from './arrivals.js';
import type { CatchUp } from './catch-up.js';
import type { Cell } from './cell.js';
import { decodeValue } from './codec.js';
import type { Completion } from './completion.js';
import { type Envelope, REMINDER, STREAM_STEP } from './envelope.js';
import { findAnswer, type Remembered } from './idempotency.js';
import { MAILBOX_WAITS, TURNS } from './meters.js';
import type { Outbox } from './outbox.js';
import { argsOf, ReceivedEnvelope } from './received.js';
import { COMMIT_FAILED, type Recovery } from './recovery.js';
import type { Idempotency } from './ref.js';
import { LATER } from './refusal.js';
import type { Due, Reminders } from './reminders.js';
import { Sampler } from './sampler.js';
import { encodeKey } from './storage/keys.js';
import { endGenerator, isGenerator, isThenable, type OutgoingStream, type Streams } from './streams.js';
import { Turn } from './turn.js';
import type { TurnSources } from './turn-sources.js';

export interface TurnRunnerParts {
  readonly sources: TurnSources;
  readonly kinds: readonly AnyKind[];
  readonly catchUp: CatchUp;
  readonly outbox: Outbox;
  readonly completion: Completion;
  readonly recovery: Recovery;
  readonly streams: Streams;
  readonly reminders: Reminders | undefined;
  readonly schedule: (cell: Cell) => void;
  /** Undefined where nobody wants to be told. */
  readonly account: Account | undefined;
  /** Where the turns of the account, and their waits, are counted too. */
  readonly meter: Meter | undefined;
  readonly clock: Clock;
}

type AnyHandler = (context: Turn, args: unknown) => unknown;

/** What is asked of a kind at every turn, looked up once. */
interface KindTraits {
  /** By message number. */
  readonly handlers: readonly (AnyHandler | undefined)[];
  /** A turn without effects leaves nothing to be done: nothing is stored, counted or declared to be read. */
  readonly isPlain: boolean;
  readonly reads: ReadonlyMap<string, ForeignReads<unknown>>;
}

function traitsOf(kind: AnyKind): KindTraits {
  const handlers = kind.protocol.messages.map((name) =>
    Object.hasOwn(kind.handlers, name) ? (kind.handlers[name] as AnyHandler) : undefined,
  );
  const { persistence = 'keys', reads, isBlank } = kind;
  const declared = Object.entries(kind.reads ?? {}) as [string, ForeignReads<unknown>][];
  return {
    handlers,
    reads: new Map(declared),
    isPlain: persistence === 'none' && reads === undefined && isBlank === undefined,
  };
}

export class TurnRunner {
  readonly #parts: TurnRunnerParts;
  readonly #traits: readonly KindTraits[];
  #turn: Turn;
  readonly #sampler: Sampler | undefined;
  #busy = 0;

  constructor(parts: TurnRunnerParts) {
    this.#parts = parts;
    this.#turn = new Turn(parts.sources);
    this.#traits = parts.kinds.map(traitsOf);
    this.#sampler = parts.account === undefined ? undefined : new Sampler(parts.clock);
  }

  /** Turns whose handler has returned a promise that is not settled. */
  get busy(): number {
    return this.#busy;
  }

  /** Runs one turn; false when the actor has nothing to run or may not run now. */
  next(cell: Cell): boolean {
    const { outbox } = this.#parts;
    if (!outbox.tracer.isOn) return this.#next(cell);
    return outbox.tracer.around(
      cell,
      () => this.#next(cell),
      (commit) => outbox.hold(cell, commit),
    );
  }

  #next(cell: Cell): boolean {
    const sampler = this.#sampler;
    if (sampler === undefined || cell.mailbox.depth === 0 || !sampler.isDue()) return this.runTurn(cell);
    const { clock } = this.#parts;
    const weight = sampler.take();
    const envelope = cell.mailbox.peek();
    const begun = clock.monotonic();
    const hasRun = this.runTurn(cell);
    if (hasRun && envelope !== undefined) this.#note(cell, envelope, begun, weight);
    return hasRun;
  }

  #note(cell: Cell, envelope: Envelope, begun: number, weight: number): void {
    const { account, meter, clock } = this.#parts;
    const ms = clock.monotonic() - begun;
    account?.ran(cell, envelope, ms, weight);
    if (meter === undefined) return;
    meter.histograms[TURNS + cell.kindNumber]!.observe(ms, weight);
    // A turn that is tried again has waited once.
    if (envelope instanceof ReceivedEnvelope && envelope.attempts === 0) {
      meter.histograms[MAILBOX_WAITS]!.observe(msBetween(envelope.stamp, stampOf(begun)), weight);
    }
  }

  runTurn(cell: Cell): boolean {
    if (cell.status !== 'ready' && cell.status !== 'vacant') return false;
    const { outbox, recovery } = this.#parts;
    if (cell.status === 'vacant' && cell.lastRecord > outbox.gates.settled) return this.#waitForCommits(cell);
    const envelope = cell.mailbox.take();
    if (envelope === undefined) return false;
    if (envelope.message >= REMINDER) return this.#runOwn(cell, envelope);
    try {
      const traits = this.#traits[cell.kindNumber]!;
      if (traits.isPlain && cell.status === 'ready' && envelope.correlation === 0) {
        this.#runPlain(cell, envelope, traits.handlers[envelope.message]);
        return true;
      }
      return this.#run(cell, envelope, envelope.message, undefined, undefined);
    } catch (error) {
      this.#turn.drop();
      recovery.turnFailed(cell, envelope, error);
    }
    return true;
  }

  /** The short way of a tell to an actor that keeps nothing. */
  #runPlain(cell: Cell, envelope: Envelope, handler: AnyHandler | undefined): void {
    const turn = this.#turn;
    cell.isUsed = true;
    turn.begin(cell, envelope);
    const args = argsOf(envelope);
    invariant(handler !== undefined, 'a message that the kind does not have');
    const answer = handler(turn, args);
    if (!turn.isClean || typeof answer === 'object' || answer === LATER) {
      this.#afterHandler(cell, envelope, turn, answer, undefined);
      return;
    }
    if (turn.spoken.count > 0) this.#parts.completion.speak(cell, turn);
    turn.end();
    if (envelope.bytes > 0) this.#parts.outbox.credit(envelope);
  }

  /** An envelope of the runtime's own. */
  #runOwn(cell: Cell, envelope: Envelope): boolean {
    if (envelope.message !== STREAM_STEP) return this.#runReminder(cell, envelope);
    this.#runStep(envelope.args as OutgoingStream);
    return true;
  }

  #runReminder(cell: Cell, envelope: Envelope): boolean {
    const due = envelope.args as Due;
    const turn = this.#turn;
    try {
      turn.begin(cell, envelope);
      const what = this.#parts.reminders?.take(cell, due, turn);
      if (what === undefined) {
        // Its time does not stand any more, or never did: what is left of it goes.
        this.#parts.reminders?.clear(cell, due, turn);
        this.#parts.completion.commitAlone(cell, turn);
        return true;
      }
      turn.clear();
      const number = cell.kind.protocol.messages.indexOf(what.message);
      invariant(number >= 0, () => `a reminder of ${cell.address} is for ${what.message}, which it does not know`);
      return this.#run(cell, envelope, number, what.payload, due);
    } catch (error) {
      this.#turn.drop();
      this.#parts.recovery.turnFailed(cell, envelope, error);
    }
    return true;
  }

  #run(cell: Cell, envelope: Envelope, number: number, payload: Uint8Array | undefined, due: Due | undefined): boolean {
    const { catchUp } = this.#parts;
    const turn = this.#turn;
    const name = cell.messageName(number);
    const parked = catchUp.takeParked(cell, envelope);
    const args = parked !== undefined ? parked.args : payload === undefined ? argsOf(envelope) : decodeValue(payload);
    if (parked === undefined && this.#isBehind(cell, name, args)) return this.#park(cell, envelope, args);
    if (envelope.idempotency !== undefined) {
      turn.begin(cell, envelope);
      const earlier = this.#findAnswer(cell, envelope.idempotency, turn, parked === undefined);
      turn.clear();
      if (earlier === 'behind') return this.#park(cell, envelope, args);
      if (earlier !== undefined) return this.#answerAgain(cell, envelope, earlier);
    }
    if (cell.status === 'vacant') this.#activate(cell, turn);
    turn.begin(cell, envelope);
    const handler = this.#traits[cell.kindNumber]!.handlers[number];
    invariant(handler !== undefined, () => `${cell.kind.protocol.kind} has no message ${name}`);
    this.#afterHandler(cell, envelope, turn, handler(turn, args), due);
    return true;
  }

  #afterHandler(cell: Cell, envelope: Envelope, turn: Turn, answer: unknown, due: Due | undefined): void {
    const { completion } = this.#parts;
    if (isThenable(answer)) {
      this.#detach(turn);
      this.#runAsync(
        cell,
        turn,
        Promise.resolve(answer),
        (value) => completion.complete(cell, envelope, turn, value, due),
        (error) => this.#parts.recovery.turnFailed(cell, envelope, error),
        envelope,
      );
    } else {
      invariant(
        turn.asks.length === 0,
        'an ask is for handlers that are async: its answer comes to the turn that waits',
      );
      // A generator keeps its context.
      if (isGenerator(answer)) this.#detach(turn);
      try {
        completion.complete(cell, envelope, turn, answer, due);
      } catch (error) {
        turn.drop();
        throw error;
      }
    }
  }

  #runStep(stream: OutgoingStream): void {
    const { completion, recovery, streams } = this.#parts;
    const { cell, envelope, turn, generator } = stream;
    if (stream.activation !== cell.activation || cell.streams?.has(stream) !== true) return;
    const fail = (error: unknown): void => {
      streams.end(stream);
      endGenerator(generator);
      recovery.turnFailed(cell, envelope, error, true);
    };
    turn.begin(cell, envelope, true);
    try {
      const step = stream.isCancelled ? generator.return(undefined) : generator.next();
      if (step instanceof Promise) {
        this.#runAsync(cell, turn, step, (value) => completion.completeStep(stream, turn, value), fail, envelope);
      } else {
        completion.completeStep(stream, turn, step);
      }
    } catch (error) {
      turn.drop();
      fail(error);
    }
  }

  /** Other turns run before this one's end: it keeps its context for itself. */
  #detach(turn: Turn): void {
    if (this.#turn === turn) this.#turn = new Turn(this.#parts.sources);
  }

  /** Something that the turn reads of others' making may be missing in the tables. */
  #isBehind(cell: Cell, name: string, args: unknown): boolean {
    const { kind, key } = cell;
    if (cell.status === 'vacant') {
      if (!this.#parts.catchUp.hasBegun()) return true;
      if (kind.activationReads !== undefined && this.#parts.catchUp.isBehind(cell, kind.activationReads(key)))
        return true;
    }
    const reads = this.#traits[cell.kindNumber]!.reads.get(name);
    return reads !== undefined && this.#parts.catchUp.isBehind(cell, reads(key, args));
  }

  /** The envelope goes back to its place, and is the next one when the tables have caught up. */
  #park(cell: Cell, envelope: Envelope, args: unknown): false {
    cell.mailbox.putBack(envelope);
    this.#parts.catchUp.park(cell, envelope, args);
    return false;
  }

  /** SH3: the actor runs again when its last record is settled. */
  #waitForCommits(cell: Cell): false {
    cell.status = 'waiting';
    this.#parts.outbox.hold(cell, { kind: 'wake', cell });
    return false;
  }

  #activate(cell: Cell, turn: Turn): void {
    cell.activation++;
    turn.begin(cell, undefined);
    const state = cell.kind.activate(turn);
    invariant(
      !isThenable(state),
      () => `the state of ${cell.address} begins with a promise: what takes time is a message`,
    );
    cell.state = state;
    cell.status = 'ready';
    turn.clear();
  }

  #runAsync<T>(
    cell: Cell,
    turn: Turn,
    promise: Promise<T>,
    complete: (value: T) => void,
    fail: (error: unknown) => void,
    envelope: Envelope,
  ): void {
    const { outbox, schedule } = this.#parts;
    const { activation } = cell;
    cell.status = 'busy';
    this.#busy++;
    const end = (effect: () => void): void => {
      this.#busy--;
      if (cell.activation === activation) {
        cell.status = 'ready';
        try {
          effect();
        } catch (error) {
          turn.drop();
          fail(error);
        }
      } else {
        // A commit of this actor failed meanwhile: the turn was built on what never happened.
        cell.status = 'vacant';
        turn.drop();
        outbox.answer(envelope, COMMIT_FAILED);
        outbox.credit(envelope);
      }
      schedule(cell);
    };
    promise.then(
      (value) => end(() => complete(value)),
      (error: unknown) =>
        end(() => {
          throw error;
        }),
    );
    turn.detach();
  }

  /** The answer to an earlier ask of this key, by whichever actor; 'behind' when one may be on its way to the tables. */
  #findAnswer(cell: Cell, idempotency: Idempotency, turn: Turn, mayWait: boolean): Remembered | 'behind' | undefined {
    let behind = false;
    const earlier = findAnswer(
      (key) => {
        const bytes = encodeKey(key);
        behind ||= mayWait && this.#parts.catchUp.isKeyBehind(cell, bytes);
        return turn.getEncoded(bytes);
      },
      idempotency,
      turn.now,
    );
    return behind ? 'behind' : earlier;
  }

  /** The same ask was answered before: that answer, or a conflict, and no second turn. */
  #answerAgain(cell: Cell, envelope: Envelope, earlier: Remembered): true {
    this.#parts.outbox.credit(envelope);
    if (earlier.kind === 'conflict') {
      const reason = 'the idempotency key was used for another request';
      this.#parts.outbox.answer(envelope, { code: 'CONFLICT', params: { reason } });
    } else {
      this.#parts.outbox.hold(cell, {
        kind: 'reply',
        to: envelope,
        fault: false,
        payload: earlier.payload,
        replayed: true,
        more: false,
      });
    }
    return true;
  }
}
