// Removal rules
//
// What was removed is recorded, told by one event, and nowhere any more: each of the three is held to the other two. A
// removal that is due still may be seen in the event log, and nowhere else.

import type { InboxRow } from '../actors/agent/inbox.js';
import { REMOVED_EVENT, type RemovalRow } from '../actors/removal/protocol.js';
import type { StateRow } from '../actors/state/state.js';
import { contentIn, REDACTED, type RemovalTarget } from '../redaction.js';
import type { Key } from '../runtime/actor.js';
import type { AuditRule } from './audit-rule.js';
import { FiledSum } from './filed-sum.js';
import type { Audit } from './findings.js';

type Data = Readonly<Record<string, unknown>>;

/** Is told every event in the order of the log, before any row of an inbox or of the state. */
export class RemovalWatch {
  readonly #audit: Audit;
  /** Whether there is any removal: without one no event costs a look. */
  #hasAny: boolean | undefined;
  #firstSeq = 0;
  readonly told = new FiledSum();
  readonly recorded = new FiledSum();
  /** Of keys that were removed: the first event since the last removal that holds a value. */
  readonly #held = new Map<string, number>();

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  /** The log begins at its first event: nothing that was told is missing in it. */
  get isWhole(): boolean {
    return this.#audit.metaNumber('trimmed') === 0 && this.#firstSeq <= 1;
  }

  event(seq: number, at: number, type: string, data: Data): void {
    if (this.#firstSeq === 0) this.#firstSeq = seq;
    if (type === REMOVED_EVENT) this.#removed(seq, at, data);
    else if (type === 'message_sent') this.#message(seq, { type, data }, String(data.message_id));
    else if (type === 'state_written') this.#value(seq, { type, data }, String(data.key));
  }

  /** A value of this key was written after all its removals; it cannot be known of a log that was cut. */
  hasNewValue(key: string): boolean {
    return !this.isWhole || this.#held.has(key);
  }

  wasRemoved(target: RemovalTarget): boolean {
    this.#hasAny ??= this.#audit.hasAnyUnder(['removal_of']);
    return this.#hasAny && this.#audit.hasAnyUnder(['removal_of', target.kind, target.id]);
  }

  #removed(seq: number, at: number, data: Data): void {
    const id = String(data.removal_id);
    this.told.add(id, 0);
    const record = this.#audit.lookup(['removal', id]) as RemovalRow | undefined;
    if (record === undefined) {
      this.#audit.report(['event', seq], 'it tells of a removal that is not recorded');
      return;
    }
    const { target, reason, by, contentHash } = record;
    const named = target.kind === 'message' ? data.message_id : data.key;
    const agrees = named === target.id && data.reason === reason && data.performed_by === by;
    if (!agrees || data.content_hash !== contentHash || at !== record.at) {
      this.#audit.report(['event', seq], 'it does not agree with the record of its removal');
    }
    if (target.kind !== 'key') return;
    const held = this.#held.get(target.id);
    this.#held.delete(target.id);
    if (held !== undefined && !this.#isDue(id)) this.#audit.report(['event', held], STILL_THERE);
  }

  #message(seq: number, event: { readonly type: string; readonly data: Data }, id: string): void {
    const target: RemovalTarget = { kind: 'message', id };
    const isRemoved = this.wasRemoved(target);
    if (contentIn(event, target) === undefined) {
      if (!isRemoved) this.#audit.report(['event', seq], NEVER_REMOVED);
      return;
    }
    if (!isRemoved) return;
    const [key] = this.#audit.keysUnder(['removal_of', 'message', id], 1);
    if (!this.#isDue(String(key?.[3]))) this.#audit.report(['event', seq], STILL_THERE);
  }

  #value(seq: number, event: { readonly type: string; readonly data: Data }, key: string): void {
    const target: RemovalTarget = { kind: 'key', id: key };
    const isRemoved = this.wasRemoved(target);
    if (contentIn(event, target) !== undefined) {
      if (isRemoved && !this.#held.has(key)) this.#held.set(key, seq);
    } else if (!isRemoved) {
      this.#audit.report(['event', seq], NEVER_REMOVED);
    }
  }

  #isDue(id: string): boolean {
    return this.#audit.lookup(['removal_due', id]) !== undefined;
  }
}

const STILL_THERE = 'it holds what was removed';
const NEVER_REMOVED = 'it is redacted, and nothing of it was removed';

export function removalRules(audit: Audit, watch: RemovalWatch): [string, AuditRule][] {
  return [
    [
      'removal',
      {
        row: (key, value) => {
          const id = String(key[1]);
          const { target } = value as RemovalRow;
          watch.recorded.add(id, 0);
          const listed: Key = ['removal_of', target.kind, target.id, id];
          if (!audit.hasAnyUnder(listed)) audit.report(key, 'it is not listed under what it removed');
        },
        end: () => {
          if (!watch.isWhole || watch.told.equals(watch.recorded)) return;
          const { entries } = watch.recorded;
          audit.report(
            ['removal'],
            `${entries} are recorded; the event log tells of ${watch.told.entries}, or of others`,
          );
        },
      },
    ],
    [
      'removal_of',
      {
        row: (key) => {
          const record = audit.lookup(['removal', key[3]!]) as RemovalRow | undefined;
          if (record === undefined || record.target.kind !== key[1] || record.target.id !== key[2]) {
            audit.report(key, 'it lists a removal that is not recorded');
          }
        },
      },
    ],
    [
      'removal_due',
      {
        row: (key) => {
          if (audit.lookup(['removal', key[1]!]) === undefined) audit.report(key, 'its removal is not recorded');
        },
      },
    ],
  ];
}

export function checkInboxContent(audit: Audit, watch: RemovalWatch, key: Key, row: InboxRow): void {
  const { messageId, content, bytes, redacted } = row;
  const target: RemovalTarget = { kind: 'message', id: messageId };
  if (redacted === true) {
    if (content !== REDACTED || !watch.wasRemoved(target)) audit.report(key, NEVER_REMOVED);
    return;
  }
  if (bytes !== Buffer.byteLength(content)) audit.report(key, 'its size is not that of its content');
  if (watch.wasRemoved(target)) audit.report(key, STILL_THERE);
}

/** How many bytes the value takes. */
export function checkStateValue(audit: Audit, watch: RemovalWatch, key: Key, row: StateRow): number {
  const { value, bytes, redacted } = row;
  const target: RemovalTarget = { kind: 'key', id: String(key[1]) };
  if (redacted === true) {
    if (value !== REDACTED || bytes !== 0 || !watch.wasRemoved(target)) audit.report(key, NEVER_REMOVED);
    return 0;
  }
  if (bytes !== Buffer.byteLength(value)) audit.report(key, 'its size is not that of its value');
  if (watch.wasRemoved(target) && !watch.hasNewValue(target.id)) audit.report(key, STILL_THERE);
  return Buffer.byteLength(value);
}
