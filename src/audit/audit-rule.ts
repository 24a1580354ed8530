// What an audit does with the rows of one table.

import type { Key } from '../runtime/actor.js';

export interface AuditRule {
  /** Called for each row of the table, in key order. May throw on a value of another shape. */
  row(key: Key, value: unknown): void;
  /** How many entries a row of this table holds, where it is not one. */
  entriesOf?(value: unknown): number;
  /** Called once, after all rows of all tables. */
  end?(): void;
  /** The values are not msgpack: `row` gets the bytes. */
  readonly isRaw?: boolean;
}
