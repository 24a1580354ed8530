// Completion
//
// The end of a turn: its durable effects become one commit record, and what it said waits behind that.
//
//     handler returned ──▶ commit record ──▶ feed, overlay
//                     └──▶ reply or item, tells, watches ──▶ outbox      timers ──▶ clock      blank, stopped ──▶ vacant
//
// Owns:     nothing: it hands on.
// Does not: run handlers (turn-runner.ts), or deal with those that threw (recovery.ts).
//
// CO1. Whatever can fail does so before the record is appended: what is committed is not run again.
// CO2. An ask kept open is answered once, by the first reply to it of the activation that kept it; what was pushed to it
//      before goes out before.
// CO3. An actor that says it is blank holds no state, unless a timer or an open ask still needs it.
// CO4. Of persistence `state`, the state is in the same commit as the turn's other effects, if the turn changed it.

import type { Clock } from '../clock.js';
import type { Fault } from '../errors.js';
import { invariant } from '../invariant.js';
import { LATER, Refusal, STATE_TABLE } from './actor.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import { encodeValue } from './codec.js';
import type { ReplyEffect, TimerEffect } from './effects.js';
import { type Envelope, LOCAL } from './envelope.js';
import { answerEntry } from './idempotency.js';
import type { Inquiries } from './inquiries.js';
import type { Intake } from './intake.js';
import type { JournalFeed } from './journal-feed.js';
import type { LocalTell } from './local-tell.js';
import { encodeAnswer, type Outbox, type ReplyOutput } from './outbox.js';
import type { Overlay } from './overlay.js';
import { keepToAnswer } from './received.js';
import type { Recovery } from './recovery.js';
import type { Due, Reminders } from './reminders.js';
import { isGenerator, isThenable, type OutgoingStream, type Streams } from './streams.js';
import type { Turn } from './turn.js';

export interface CompletionParts {
  /** The epoch of each slot of the shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly clock: Clock;
  readonly cells: CellTable;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly feed: JournalFeed;
  readonly overlay: Overlay;
  readonly recovery: Recovery;
  readonly streams: Streams;
  readonly reminders: Reminders | undefined;
  readonly inquiries: Inquiries;
  readonly forceEncoding: boolean;
}

interface EncodedReply {
  readonly to: Envelope;
  readonly fault: boolean;
  readonly payload: Uint8Array;
  readonly more: boolean;
}

const NO_REPLIES: readonly EncodedReply[] = [];
const TOO_FAR_AHEAD: Fault = { code: 'OVERLOADED', params: { what: 'the items that the reader has not taken' } };
const TOO_MANY_STREAMS = new Refusal('OVERLOADED', { what: 'the streams of this actor' });

export class Completion {
  readonly #parts: CompletionParts;
  readonly #deliver: (tell: LocalTell) => void;
  readonly #hold: (tell: LocalTell) => void;

  constructor(parts: CompletionParts) {
    this.#parts = parts;
    const { intake, outbox } = parts;
    this.#deliver = (tell) => {
      outbox.tracer.follow(tell);
      intake.deliverTell(tell);
    };
    this.#hold = (tell) => outbox.hold(tell.from, tell);
  }

  /**
   * The handler returned `answer`; `due` is the reminder that began the turn. Throws, and has done nothing, when an effect
   * cannot be sent or committed (CO1).
   */
  complete(cell: Cell, envelope: Envelope, turn: Turn, answer: unknown, due: Due | undefined): void {
    if (isGenerator(answer)) {
      this.#beginStream(cell, envelope, turn, answer, due);
      return;
    }
    const isAsk = envelope.correlation !== 0;
    const isOpen = answer === LATER;
    invariant(!isOpen || !isAsk || turn.keptOpen, 'a handler returned LATER without keeping the ask open');
    const reply = isAsk && !isOpen ? this.#replyTo(envelope, answer) : undefined;
    if (reply?.payload !== undefined && !reply.fault && envelope.idempotency !== undefined) {
      const entry = answerEntry(envelope.idempotency, turn.now, reply.payload);
      turn.write(entry.key, encodeValue(entry.value));
    }
    this.#settle(cell, turn, due, reply, isAsk && isOpen ? envelope : undefined);
    this.#parts.outbox.credit(envelope);
  }

  /** A step of a stream gave this item, or ended it. Throws as complete() does. */
  completeStep(stream: OutgoingStream, turn: Turn, step: IteratorResult<unknown, unknown>): void {
    const { outbox, streams } = this.#parts;
    const { cell, envelope } = stream;
    const isOver = step.done === true;
    invariant(isOver || !isThenable(step.value), 'a generator that yields promises is async');
    invariant(turn.asks.length === 0, 'an ask is for generators that are async');
    const payload = encodeValue((isOver ? null : step.value) ?? null);
    this.#settle(cell, turn, undefined, undefined, undefined, () => {
      outbox.hold(cell, { kind: 'reply', to: envelope, fault: false, payload, replayed: false, more: !isOver });
      if (isOver) streams.end(stream);
    });
    if (!isOver) streams.gave(stream);
  }

  #beginStream(
    cell: Cell,
    envelope: Envelope,
    turn: Turn,
    generator: OutgoingStream['generator'],
    due: Due | undefined,
  ): void {
    const { outbox, streams } = this.#parts;
    invariant(envelope.idempotency === undefined, 'a stream has no idempotency key: it is not remembered');
    this.#settle(cell, turn, due, undefined, undefined, () => {
      // Told, not asked: nobody reads it, so that it is not begun.
      if (envelope.correlation === 0) return;
      const stream = streams.begin(cell, envelope, generator, turn);
      if (stream === undefined) outbox.answer(envelope, TOO_MANY_STREAMS);
      else keepOpen(cell, stream.envelope);
    });
    outbox.credit(envelope);
  }

  /** What the turn gives whoever asked is one of three: `reply`, that its ask `opened` stays open, or a `stream`'s own. */
  #settle(
    cell: Cell,
    turn: Turn,
    due: Due | undefined,
    reply: ReplyOutput | undefined,
    opened: Envelope | undefined,
    stream?: () => void,
  ): void {
    const { cells, inquiries, outbox, reminders, recovery } = this.#parts;
    const { kind } = cell;
    const replies = turn.replies.length === 0 ? NO_REPLIES : turn.replies.map(encodeReply);
    const told = kind.residentBytes(cell.state);
    const residentBytes = Number.isFinite(told) && told > 0 ? told : 0;
    const isBlank = kind.isBlank?.(cell.state) === true;
    if (due !== undefined || turn.reminders.length > 0) reminders?.write(cell, due, turn);
    const saved = kind.persistence === 'state' ? saveState(cell, turn) : undefined;
    this.#commit(cell, turn);
    if (saved !== undefined) cell.saved = saved;
    if (turn.reminders.length > 0) reminders?.written(cell, turn);
    if (reply !== undefined) outbox.reply(cell, reply);
    else if (opened !== undefined) keepOpen(cell, opened);
    else stream?.();
    for (const late of replies) this.#answerLate(cell, late);
    if (cell.open?.size === 0) cell.open = undefined;
    for (const tell of turn.tells) outbox.hold(cell, tell);
    if (turn.spoken.count > 0) this.speak(cell, turn);
    for (const watch of turn.watches) inquiries.watch(cell, watch);
    for (const timer of turn.timers) this.#applyTimer(cell, timer);
    const { isLast } = turn;
    turn.clear();
    cells.touch(cell, residentBytes + (cell.saved?.length ?? 0));
    if (isLast) {
      recovery.stop(cell);
    } else if (isBlank && cell.timers === undefined && cell.open === undefined && !(cell.watches?.size ?? 0)) {
      cell.status = 'vacant';
      cell.state = undefined;
    }
  }

  /** An ask that is no longer open was answered before, by this activation or by its end; or its reader left. */
  #answerLate(cell: Cell, late: EncodedReply): void {
    if (cell.open?.has(late.to) !== true) return;
    const { outbox, streams } = this.#parts;
    const isTooFar = late.more && !streams.pushed(cell, late.to);
    if (!late.more || isTooFar) {
      cell.open.delete(late.to);
      streams.ended(late.to);
    }
    if (isTooFar) outbox.holdFault(cell, late.to, TOO_FAR_AHEAD);
    else outbox.hold(cell, { kind: 'reply', ...late, replayed: false });
  }

  /** The writes of a turn that ran no handler. */
  commitAlone(cell: Cell, turn: Turn): void {
    this.#commit(cell, turn);
    turn.clear();
  }

  #commit(cell: Cell, turn: Turn): void {
    if (!turn.isDurable) return;
    const { epochs, feed, outbox, overlay } = this.#parts;
    const epoch = epochs.get(cell.slot);
    invariant(epoch !== undefined, 'an actor ran in a slot that this shard does not own');
    feed.append({ slot: cell.slot, epoch }, turn);
    cell.lastRecord = outbox.gates.assign();
    overlay.add(cell, cell.lastRecord, turn.writes.list);
  }

  /** Lets out what a turn said to actors that are resident here. */
  speak(cell: Cell, turn: Turn): void {
    turn.spoken.take(cell.lastRecord <= this.#parts.outbox.gates.settled ? this.#deliver : this.#hold);
  }

  #replyTo(envelope: Envelope, answer: unknown): ReplyOutput {
    const asItIs = this.#mayPassAsItIs(envelope, answer);
    return {
      kind: 'reply',
      to: envelope,
      fault: answer instanceof Refusal,
      payload: asItIs ? undefined : encodeAnswer(answer),
      value: asItIs ? (answer ?? null) : undefined,
      replayed: false,
      more: false,
    };
  }

  /** To an actor of this thread, and a value that nobody can change while it waits for its gate. */
  #mayPassAsItIs({ origin, idempotency }: Envelope, answer: unknown): boolean {
    if (origin !== LOCAL || this.#parts.forceEncoding || idempotency !== undefined) return false;
    return (
      answer === null || (typeof answer !== 'object' && typeof answer !== 'function' && typeof answer !== 'symbol')
    );
  }

  #applyTimer(cell: Cell, effect: TimerEffect): void {
    cell.timers?.get(effect.name)?.cancel();
    cell.timers?.delete(effect.name);
    if (effect.kind === 'set') {
      const timer = this.#parts.clock.after(effect.delayMs, () => {
        if (cell.timers?.get(effect.name) !== timer) return;
        cell.timers.delete(effect.name);
        if (cell.timers.size === 0) cell.timers = undefined;
        const { message, payload, args } = effect;
        this.#parts.intake.deliverControl(cell, message, payload, args);
      });
      cell.timers ??= new Map();
      cell.timers.set(effect.name, timer);
    }
    if (cell.timers?.size === 0) cell.timers = undefined;
  }
}

/** Puts the state into the turn's writes if it is not what is stored; what is stored then. */
function saveState(cell: Cell, turn: Turn): Uint8Array | undefined {
  const key = [STATE_TABLE, cell.kind.protocol.kind, cell.key] as const;
  const before = cell.saved ?? turn.storedBytes(key);
  if (turn.isLast) {
    if (before !== undefined) turn.write(key, null);
    return undefined;
  }
  const state = encodeValue([cell.kind.stateVersion ?? 1, cell.state]);
  if (before !== undefined && Buffer.compare(before, state) === 0) return before;
  turn.write(key, state);
  return state;
}

function keepOpen(cell: Cell, envelope: Envelope): void {
  keepToAnswer(envelope);
  cell.open ??= new Set();
  cell.open.add(envelope);
}

function encodeReply({ to, answer, more }: ReplyEffect): EncodedReply {
  return { to, fault: answer instanceof Refusal && !more, payload: encodeAnswer(answer), more };
}
