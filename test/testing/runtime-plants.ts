// Plants
//
// Bugs that would break a guarantee, as changes to the built runtime, each with the guarantee that must find it.

import type { Patch } from '../crash/planted-build.js';
import type { GuaranteeName } from './guarantees.js';

export interface Plant {
  readonly bug: string;
  readonly foundBy: GuaranteeName;
  /** What the failure says. */
  readonly says: RegExp;
  readonly patches: readonly Patch[];
}

export const plants: readonly Plant[] = [
  {
    bug: 'two activations of one address',
    foundBy: 'G2',
    says: /2 turns of book\/\w at once|the count of entries/,
    patches: [
      {
        file: 'runtime/cell-table.js',
        find: 'const cell = this.resident(kindNumber, key);',
        replace: "let cell = this.resident(kindNumber, key); if (cell?.status === 'busy') cell = undefined;",
      },
    ],
  },
  {
    bug: 'records of an older epoch are accepted',
    foundBy: 'G1',
    says: /AssertionError/,
    patches: [
      {
        file: 'runtime/journal.js',
        find: 'record.epoch !== this.#parts.map.epoch(record.slot)',
        replace: 'false',
      },
    ],
  },
  {
    bug: 'a reply leaves before its gate opens',
    foundBy: 'G6',
    says: /acknowledged, and not there/,
    patches: [
      {
        file: 'runtime/outbox.js',
        find: 'hold(cell, output) {',
        replace: "hold(cell, output) { if (output.kind === 'reply') { this.#release(output); return; }",
      },
    ],
  },
  {
    bug: 'an actor that waited for its commits is not woken',
    foundBy: 'G5',
    says: /never answered/,
    patches: [
      {
        file: 'runtime/recovery.js',
        find: "if (cell.status !== 'waiting') return;",
        replace:
          "if (cell.status !== 'waiting') return; if (cell.mailbox.depth === 1) { cell.status = 'vacant'; return; }",
      },
    ],
  },
  {
    bug: 'what could not be sent to a lost worker is sent later, behind what was said since',
    foundBy: 'G3',
    says: /copy\/\w has \d+ from talker\/\w behind \d+/,
    patches: [
      {
        file: 'runtime/outbox.js',
        find: 'const link = owner === NOBODY ? undefined : this.#peers.get(owner + 1)?.link;',
        replace: `const link = owner === NOBODY ? undefined : this.#peers.get(owner + 1)?.link;
          if (link === undefined) { (this.late ??= []).push(saying); return; }`,
      },
      {
        file: 'runtime/outbox.js',
        find: 'for (const link of this.#links.values()) link.flush();',
        replace: `for (const link of this.#links.values()) link.flush();
          for (const saying of this.late?.splice(0) ?? []) this.#say(saying);`,
      },
    ],
  },
  {
    bug: 'a mailbox takes one more than its capacity',
    foundBy: 'G4',
    says: /waiting in the mailbox/,
    patches: [
      {
        file: 'runtime/mailbox.js',
        find: 'this.#user.length >= this.#capacity',
        replace: 'this.#user.length > this.#capacity',
      },
    ],
  },
  {
    bug: 'some writes of a record never come to the tables',
    foundBy: 'G7',
    says: /AssertionError/,
    patches: [
      {
        file: 'runtime/changes.js',
        find: 'put(batch, keyAt, valueAt, end) {',
        replace: `put(batch, keyAt, valueAt, end) {
          globalThis.puts = (globalThis.puts ?? 0) + 1;
          if (globalThis.puts % 50 === 0) { this.cells.push(16, 16); return; }`,
      },
    ],
  },
  {
    bug: 'a generator runs further ahead of its reader than its window',
    foundBy: 'G8',
    says: /items for \d+ that were read/,
    patches: [
      {
        file: 'runtime/streams.js',
        find: 'credit = STREAM_WINDOW;',
        replace: 'credit = STREAM_WINDOW + 1;',
      },
    ],
  },
  {
    bug: 'what fails is tried once more than its kind says',
    foundBy: 'G9',
    says: /attempts|failures/,
    patches: [
      {
        file: 'runtime/recovery.js',
        find: 'envelope.attempts >= attemptsMax',
        replace: 'envelope.attempts > attemptsMax',
      },
    ],
  },
  {
    bug: 'an actor leaves memory before the tables hold what it wrote',
    foundBy: 'G10',
    says: /AssertionError/,
    patches: [
      {
        file: 'runtime/cell-table.js',
        find: 'if (!idle || cell.lastRecord > settled || cell.unapplied > 0)',
        replace: 'if (!idle || cell.lastRecord > settled)',
      },
    ],
  },
];
