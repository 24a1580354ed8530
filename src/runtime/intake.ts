// Intake
//
// How an envelope gets into a mailbox of this shard, or why not.
//
// Owns:     admission, and the dead letters of what was not admitted or was given up.
// Does not: run anything (dispatcher.ts).
//
// IN1. An envelope that is refused is answered at once; one that nobody waits for is a dead letter with the reason (G4).
// IN2. An envelope that is refused or handled gives its credit back, exactly once.

import type { Fault } from '../errors.js';
import type { AnyKind } from './actor.js';
import { formatAddress } from './address.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import type { DeadLetters } from './dead-letter.js';
import { type Delivery, type Envelope, LOCAL, type LocalMessage } from './envelope.js';
import type { Outbox } from './outbox.js';

export interface IntakeParts {
  readonly kinds: readonly AnyKind[];
  readonly cells: CellTable;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly schedule: (cell: Cell) => void;
  readonly now: () => number;
}

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  deliver({ slot, kind, key, envelope }: Delivery): void {
    const cell = this.#parts.cells.find(kind, key, slot);
    if (cell === undefined) {
      const { protocol } = this.#parts.kinds[kind]!;
      const address = formatAddress({ kind: protocol.kind, key });
      this.#refuse(address, protocol.messages[envelope.message] ?? '?', envelope, { code: 'SLOT_MOVING' });
    } else if (cell.status === 'quarantined') {
      this.refuse(cell, envelope, { code: 'QUARANTINED', params: { reason: cell.quarantineReason } });
    } else if (cell.mailbox.admit(envelope) === 'full') {
      this.refuse(cell, envelope, { code: 'OVERLOADED', params: { what: 'the mailbox of this address' } });
    } else if (cell.status !== 'busy' && cell.status !== 'waiting') {
      this.#parts.schedule(cell);
    }
  }

  deliverLocal({ slot, kind, key, message, payload, args, sender, control }: LocalMessage): void {
    const envelope: Envelope = {
      message,
      payload,
      args: payload === undefined ? args : undefined,
      sender,
      correlation: 0,
      origin: LOCAL,
      control,
      durability: 'durable',
      idempotency: undefined,
      bytes: payload === undefined ? 0 : payload.length,
      attempts: 0,
    };
    this.deliver({ slot, kind, key, envelope });
  }

  /** This envelope will not be handled, or not again. */
  refuse(cell: Cell, envelope: Envelope, fault: Fault): void {
    this.#refuse(cell.address, cell.messageName(envelope.message), envelope, fault);
  }

  /** Everything that waits in a cell is refused. */
  refuseAll(cell: Cell, fault: Fault): void {
    for (let envelope = cell.mailbox.take(); envelope !== undefined; envelope = cell.mailbox.take()) {
      this.refuse(cell, envelope, fault);
    }
  }

  #refuse(address: string, message: string, envelope: Envelope, fault: Fault): void {
    this.#parts.outbox.credit(envelope);
    this.#parts.outbox.answer(envelope, fault);
    if (envelope.correlation !== 0 && envelope.attempts === 0) return;
    this.#parts.deadLetters.add({ address, message, reason: fault.code, at: this.#parts.now() });
  }
}
