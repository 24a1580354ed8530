// Intake
//
// How an envelope gets into a mailbox of this shard, or why not.
//
// Owns:     admission, and the dead letters of what was not admitted or was given up.
// Does not: run anything (dispatcher.ts).
//
// IN1. An envelope that is refused is answered at once; one that nobody waits for is a dead letter with the reason (G4).
// IN2. An envelope that is refused or handled gives its credit back, exactly once.
// IN3. An ask whose answer its recipient's own turn waits for is refused at once: it could never be answered.

import type { Clock } from '../clock.js';
import type { Fault } from '../errors.js';
import type { Account } from './account.js';
import type { AnyKind } from './actor.js';
import { formatAddress } from './address.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import type { DeadLetters } from './dead-letter.js';
import type { Saying } from './effects.js';
import { type Delivery, type Envelope, LOCAL, PROBE, WATCH } from './envelope.js';
import type { LocalTell } from './local-tell.js';
import type { Outbox } from './outbox.js';
import type { AnyProtocol } from './protocol.js';
import { argsOf } from './received.js';

export interface IntakeParts {
  readonly kinds: readonly AnyKind[];
  readonly cells: CellTable;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly schedule: (cell: Cell) => void;
  readonly scheduleUrgent: (cell: Cell) => void;
  readonly clock: Clock;
  /** Undefined where nobody wants to be told. */
  readonly account: Account | undefined;
  readonly coarseMs: () => number;
  /** Somebody waits for an actor that waits itself (inquiries.ts). */
  readonly suspect: (cell: Cell, chain: readonly string[]) => void;
  readonly probed: (cell: Cell, chain: readonly string[]) => void;
  /** Somebody watches an actor (streams.ts). */
  readonly watched: (cell: Cell, envelope: Envelope) => void;
}

const NO_ROOM: Fault = { code: 'OVERLOADED', params: { what: 'what actors may keep in memory' } };

interface Destination {
  readonly to: number;
  readonly slot: number;
  readonly key: string;
}

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** `mark`: of the trace that it belongs to. */
  deliver({ slot, kind, key, envelope }: Delivery, mark?: Uint8Array): void {
    if (mark !== undefined) this.#parts.outbox.tracer.mark(envelope, mark);
    if (envelope.message === PROBE) {
      this.#probe(this.#parts.cells.resident(kind, key), envelope);
      return;
    }
    const cell = this.#parts.cells.find(kind, key, slot);
    if (cell === undefined) {
      const { protocol } = this.#parts.kinds[kind]!;
      const isFull = this.#parts.cells.owns(slot);
      const fault: Fault = isFull ? NO_ROOM : { code: 'SLOT_MOVING' };
      this.#refuse({ to: kind, slot, key }, protocol, envelope, fault);
    } else if (cell.status === 'quarantined') {
      this.refuse(cell, envelope, { code: 'QUARANTINED', params: { reason: cell.quarantineReason } });
    } else if (envelope.message === WATCH) {
      this.#parts.outbox.credit(envelope);
      this.#parts.watched(cell, envelope);
    } else if (envelope.chain !== undefined && cell.status === 'busy' && envelope.chain.includes(cell.address)) {
      const path = [...envelope.chain, cell.address].join(' → ');
      this.refuse(cell, envelope, { code: 'ASK_CYCLE', params: { path } });
    } else if (cell.mailbox.admit(envelope) === 'full') {
      this.refuse(cell, envelope, { code: 'OVERLOADED', params: { what: 'the mailbox of this address' } });
    } else {
      this.#note(cell);
      if (cell.status === 'busy' && envelope.chain !== undefined) this.#parts.suspect(cell, envelope.chain);
      if (cell.status === 'busy' || cell.status === 'waiting') return;
      if (envelope.control) this.#parts.scheduleUrgent(cell);
      else this.#parts.schedule(cell);
    }
  }

  /** From an actor of this shard to another one. */
  deliverLocal(saying: Saying): void {
    const { slot, to, key, message, payload, args, senderKind, senderKey, ask } = saying;
    const envelope: Envelope = {
      message,
      payload,
      args: payload === undefined ? args : undefined,
      senderKind,
      senderKey,
      correlation: ask === undefined ? 0 : ask.correlation,
      origin: LOCAL,
      control: false,
      durability: ask === undefined ? 'durable' : ask.durability,
      idempotency: ask === undefined ? undefined : ask.idempotency,
      chain: ask === undefined ? undefined : ask.chain,
      bytes: payload === undefined ? 0 : payload.length,
      attempts: 0,
    };
    this.#parts.outbox.tracer.becomes(saying, envelope);
    this.deliver({ slot, kind: to, key, envelope });
  }

  /** From an actor of this shard to one that was resident when it spoke. */
  deliverTell(tell: LocalTell): void {
    const { to } = tell;
    // It may have left while the tell waited for a commit, and have come back as another cell.
    if (to.isGone || to.status === 'quarantined' || !to.mailbox.admitTell(tell)) {
      this.deliver({ slot: to.slot, kind: to.kindNumber, key: to.key, envelope: tell });
    } else {
      this.#note(to);
      if (to.status !== 'busy' && to.status !== 'waiting') this.#parts.schedule(to);
    }
  }

  /** The next step of a stream: a message like others, but it was promised to the reader, so that it is never refused. */
  deliverStep(cell: Cell, message: number, stream: unknown): void {
    const step = ownEnvelope(cell, message, undefined, stream, false);
    if (cell.isGone || cell.status === 'quarantined') return;
    cell.mailbox.admitAlways(step);
    this.#note(cell);
    if (cell.status === 'ready' || cell.status === 'vacant') this.#parts.schedule(cell);
  }

  /** From an actor to itself, ahead of what others say. */
  deliverControl(cell: Cell, message: number, payload: Uint8Array | undefined, args: unknown): void {
    const envelope = ownEnvelope(cell, message, payload, args, true);
    this.deliver({ slot: cell.slot, kind: cell.kindNumber, key: cell.key, envelope });
  }

  #probe(cell: Cell | undefined, envelope: Envelope): void {
    this.#parts.outbox.credit(envelope);
    if (cell !== undefined) this.#parts.probed(cell, argsOf(envelope) as readonly string[]);
  }

  #note(cell: Cell): void {
    if (cell.mailbox.depth === 1) cell.waitingSince = this.#parts.coarseMs();
  }

  /** This envelope will not be handled, or not again. */
  refuse(cell: Cell, envelope: Envelope, fault: Fault): void {
    const { kind, kindNumber, slot, key } = cell;
    this.#refuse({ to: kindNumber, slot, key }, kind.protocol, envelope, fault);
  }

  #refuse(to: Destination, protocol: AnyProtocol, envelope: Envelope, fault: Fault): void {
    const address = formatAddress({ kind: protocol.kind, key: to.key });
    this.#parts.account?.refused(address);
    this.#parts.outbox.credit(envelope);
    this.#parts.outbox.answer(envelope, fault);
    if (envelope.correlation !== 0 && envelope.attempts === 0) return;
    const { message, payload, args, senderKind, senderKey } = envelope;
    const name = protocol.messages[message];
    // The runtime's own: nobody said them.
    if (name === undefined) return;
    this.#parts.deadLetters.add({
      address,
      message: name,
      reason: fault.code,
      at: this.#parts.clock.now(),
      saying: { kind: 'saying', ...to, message, senderKind, senderKey },
      payload,
      args,
    });
  }
}

/** What an actor is told by itself, or by the runtime in its name. */
function ownEnvelope(
  cell: Cell,
  message: number,
  payload: Uint8Array | undefined,
  args: unknown,
  control: boolean,
): Envelope {
  return {
    message,
    payload,
    args: payload === undefined ? args : undefined,
    senderKind: cell.kindNumber + 1,
    senderKey: cell.key,
    correlation: 0,
    origin: LOCAL,
    control,
    durability: 'durable',
    idempotency: undefined,
    chain: undefined,
    bytes: payload === undefined ? 0 : payload.length,
    attempts: 0,
  };
}
