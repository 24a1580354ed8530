// Completion
//
// The end of a turn: its durable effects become one commit record, and what it said waits behind that.
//
//     handler returned ──▶ commit record ──▶ feed, overlay
//                     └──▶ reply, tells ──▶ outbox      timers ──▶ clock      blank ──▶ vacant
//
// Owns:     nothing: it hands on.
// Does not: run handlers (shard.ts), or deal with those that threw (recovery.ts).
//
// CO1. Whatever can fail does so before the record is appended: what is committed is not run again.
// CO2. An ask kept open is answered once, by the first reply to it of the activation that kept it.
// CO3. An actor that says it is blank holds no state, unless a timer or an open ask still needs it.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import { LATER, Refusal } from './actor.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import { encodeValue } from './codec.js';
import type { Envelope } from './envelope.js';
import { answerEntry } from './idempotency.js';
import type { Intake } from './intake.js';
import type { JournalFeed } from './journal-feed.js';
import { encodeAnswer, type Outbox } from './outbox.js';
import type { Overlay } from './overlay.js';
import type { ReplyEffect, TimerEffect, Turn } from './turn.js';

export interface CompletionParts {
  /** The epoch of each slot of the shard. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly clock: Clock;
  readonly cells: CellTable;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly feed: JournalFeed;
  readonly overlay: Overlay;
}

interface EncodedReply {
  readonly to: Envelope;
  readonly fault: boolean;
  readonly payload: Uint8Array;
}

const NO_REPLIES: readonly EncodedReply[] = [];

export class Completion {
  readonly #parts: CompletionParts;

  constructor(parts: CompletionParts) {
    this.#parts = parts;
  }

  /** The handler returned `answer`. Throws, and has done nothing, when an effect cannot be sent or committed (CO1). */
  complete(cell: Cell, envelope: Envelope, turn: Turn, answer: unknown): void {
    const { cells, outbox } = this.#parts;
    const isAsk = envelope.correlation !== 0;
    const isOpen = answer === LATER;
    invariant(!isOpen || !isAsk || turn.keptOpen, 'a handler returned LATER without keeping the ask open');
    const fault = answer instanceof Refusal;
    const payload = isAsk && !isOpen ? encodeAnswer(answer) : undefined;
    if (payload !== undefined && !fault && envelope.idempotency !== undefined) {
      const entry = answerEntry(envelope.idempotency, turn.now, payload);
      turn.write(entry.key, encodeValue(entry.value));
    }
    const replies = turn.replies.length === 0 ? NO_REPLIES : turn.replies.map(encodeReply);
    const residentBytes = cell.kind.residentBytes(cell.state);
    const isBlank = cell.kind.isBlank?.(cell.state) === true;
    this.#commit(cell, turn);
    if (payload !== undefined) {
      if (envelope.durability === 'volatile' && !fault) outbox.sendNow(envelope, payload);
      else outbox.hold(cell, { kind: 'reply', to: envelope, fault, payload, replayed: false });
    } else if (isOpen && isAsk) {
      cell.open ??= new Set();
      cell.open.add(envelope);
    }
    for (const reply of replies) {
      // An ask that is no longer open was answered before, by this activation or by its end.
      if (!cell.open?.delete(reply.to)) continue;
      outbox.hold(cell, { kind: 'reply', ...reply, replayed: false });
    }
    if (cell.open?.size === 0) cell.open = undefined;
    for (const tell of turn.tells) outbox.hold(cell, { kind: 'tell', tell, sender: cell.slot + 1 });
    for (const timer of turn.timers) this.#applyTimer(cell, timer);
    turn.clear();
    outbox.credit(envelope);
    cells.touch(cell, residentBytes);
    if (!isBlank || cell.timers !== undefined || cell.open !== undefined) return;
    cell.status = 'vacant';
    cell.state = undefined;
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

  #applyTimer(cell: Cell, effect: TimerEffect): void {
    cell.timers?.get(effect.name)?.cancel();
    cell.timers?.delete(effect.name);
    if (effect.kind === 'set') {
      const timer = this.#parts.clock.after(effect.delayMs, () => {
        if (cell.timers?.get(effect.name) !== timer) return;
        cell.timers.delete(effect.name);
        if (cell.timers.size === 0) cell.timers = undefined;
        this.#parts.intake.deliverLocal({
          slot: cell.slot,
          kind: cell.kindNumber,
          key: cell.key,
          message: effect.message,
          payload: effect.payload,
          args: effect.payload === undefined ? effect.args : undefined,
          sender: cell.slot + 1,
          control: true,
        });
      });
      cell.timers ??= new Map();
      cell.timers.set(effect.name, timer);
    }
    if (cell.timers?.size === 0) cell.timers = undefined;
  }
}

function encodeReply({ to, answer }: ReplyEffect): EncodedReply {
  return { to, fault: answer instanceof Refusal, payload: encodeAnswer(answer) };
}
