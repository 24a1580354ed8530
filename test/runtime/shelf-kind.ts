// A toy kind that keeps named rows, lists its own and looks at those of others: for tests of what an actor reads while the
// tables are behind.

import { type ActorKind, type AnyKind, anyKind, type Key, protocol, type RangeQuery } from '../../src/runtime/actor.js';

export type Look = Omit<RangeQuery, 'under' | 'after'> & { readonly after?: string };
export type Rows = readonly (readonly [name: string, value: number])[];

export type ShelfMessages = {
  /** Writes and removes, then lists its own rows, in one turn. */
  readonly act: {
    readonly args: { readonly puts: Rows; readonly drops: readonly string[]; readonly look: Look };
    readonly reply: { readonly rows: Rows; readonly names: readonly string[]; readonly count: number };
  };
  /** What it found of its own when it was activated. */
  readonly found: { readonly args: null; readonly reply: Rows };
  /** The notice that it found when it was activated. */
  readonly notice: { readonly args: null; readonly reply: number | null };
  readonly fail: { readonly args: null; readonly reply: null };
  /** A row of another. */
  readonly peek: { readonly args: { readonly shelf: string; readonly name: string }; readonly reply: number | null };
  /** The same, without saying so. */
  readonly glance: { readonly args: { readonly shelf: string; readonly name: string }; readonly reply: number | null };
  /** The names of all rows of all. */
  readonly survey: { readonly args: null; readonly reply: readonly string[] };
  /** Removes a row of another. */
  readonly take: { readonly args: { readonly shelf: string; readonly name: string }; readonly reply: null };
  readonly emit: { readonly args: null; readonly reply: null };
};

export const shelf = protocol<ShelfMessages>('shelf', [
  'act',
  'found',
  'notice',
  'fail',
  'peek',
  'glance',
  'survey',
  'take',
  'emit',
]);

const ALL = 1000;
/** The row that every shelf reads when it is activated. */
export const NOTICE = { shelf: 'board', name: 'notice' } as const;
const rowOf = (key: string, name: string): Key => ['shelf', key, name];

interface ShelfState {
  readonly rows: Rows;
  readonly notice: number | null;
}

export interface Shelves {
  readonly kind: AnyKind;
  activations: number;
  /** Turns of `fail` that still throw. */
  failuresLeft: number;
}

export function makeShelves(bounds: { readonly capacity?: number } = {}): Shelves {
  const shelves: Shelves = { kind: undefined as unknown as AnyKind, activations: 0, failuresLeft: 0 };
  const kind: ActorKind<ShelfState, ShelfMessages> = {
    protocol: shelf,
    tables: ['shelf'],
    mailbox: { capacity: bounds.capacity ?? 1000, bytesMax: 1024 * 1024 },
    activationReads: () => [rowOf(NOTICE.shelf, NOTICE.name)],
    activate(context) {
      shelves.activations++;
      const rows = context.store.range({ under: ['shelf', context.key], limit: ALL });
      return {
        rows: rows.map(({ key, value }) => [String(key[2]), value as number] as const),
        notice: (context.store.get(rowOf(NOTICE.shelf, NOTICE.name)) as number | undefined) ?? null,
      };
    },
    residentBytes: () => 1000,
    reads: {
      peek: (_, { shelf: other, name }) => [rowOf(other, name)],
      survey: () => [['shelf']],
    },
    handlers: {
      act(context, { puts, drops, look: { after, ...rest } }) {
        for (const [name, value] of puts) context.store.put(rowOf(context.key, name), value);
        for (const name of drops) context.store.delete(rowOf(context.key, name));
        const under: Key = ['shelf', context.key];
        const query = { ...rest, under, ...(after !== undefined && { after: rowOf(context.key, after) }) };
        const { limit: _limit, reverse: _reverse, ...counted } = query;
        return {
          rows: context.store.range(query).map(({ key, value }) => [String(key[2]), value as number] as const),
          names: context.store.rangeKeys(query).map((key) => String(key[2])),
          count: context.store.count(counted),
        };
      },
      found: ({ state: { rows } }) => rows,
      notice: ({ state: { notice } }) => notice,
      fail() {
        if (shelves.failuresLeft === 0) return null;
        shelves.failuresLeft--;
        throw new RangeError('it was told to fail');
      },
      peek: (context, { shelf: other, name }) => (context.store.get(rowOf(other, name)) as number | undefined) ?? null,
      glance: (context, { shelf: other, name }) =>
        (context.store.get(rowOf(other, name)) as number | undefined) ?? null,
      survey: (context) =>
        context.store.rangeKeys({ under: ['shelf'], limit: ALL }).map((key) => `${String(key[1])}/${String(key[2])}`),
      take(context, { shelf: other, name }) {
        context.store.delete(rowOf(other, name));
        return null;
      },
      emit(context) {
        context.emit('emitted', context.key, {});
        return null;
      },
    },
  };
  return Object.assign(shelves, { kind: anyKind(kind) });
}
