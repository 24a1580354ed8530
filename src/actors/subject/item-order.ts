// Item order
//
// The items of a subject side by side as they were said: session by session, in each by time. What stands next to an item
// is its neighbour, as long as both are of one group: a session, an episode without one, or a memory alone.
//
// IO1. The order is by ids and times alone, so it is the same whatever order things arrived in (SI1).

/** What the order of items goes by. */
export interface OrderedItems {
  isAlive(item: number): boolean;
  at(item: number): number;
  place(item: number): number;
  /** Undefined for a memory. */
  episode(
    item: number,
  ): { readonly id: string; readonly sessionId: string | null; readonly createdAt: number } | undefined;
  memory(item: number): { readonly id: string } | undefined;
}

export class ItemOrder {
  /** Item at each position. */
  readonly items: Int32Array;
  /** Position of each item that has one. */
  readonly positions: Int32Array;
  /** Equal for neighbours of one group, and never for others. */
  readonly groups: Int32Array;
  readonly bytes: number;

  /** `previous` is the order before the last changes: sorting begins from it, and then costs one comparison an item. */
  constructor(index: OrderedItems, itemCount: number, previous: ItemOrder | undefined) {
    const sorted = startFrom(index, itemCount, previous);
    sorted.sort((a, b) => compareItems(index, a, b));
    this.items = Int32Array.from(sorted);
    this.groups = new Int32Array(sorted.length);
    for (let at = 1; at < sorted.length; at++) {
      const same = compareGroups(index, sorted[at - 1]!, sorted[at]!) === 0;
      this.groups[at] = this.groups[at - 1]! + (same ? 0 : 1);
    }
    this.positions = new Int32Array(itemCount);
    for (let at = 0; at < this.items.length; at++) this.positions[this.items[at]!] = at;
    this.bytes = this.items.byteLength + this.groups.byteLength + this.positions.byteLength;
  }

  get count(): number {
    return this.items.length;
  }
}

function startFrom(index: OrderedItems, itemCount: number, previous: ItemOrder | undefined): number[] {
  const listed = new Uint8Array(itemCount);
  const items: number[] = [];
  const list = (item: number): void => {
    if (listed[item] === 1 || !index.isAlive(item)) return;
    listed[item] = 1;
    items.push(item);
  };
  previous?.items.forEach(list);
  for (let item = 0; item < itemCount; item++) list(item);
  return items;
}

function compareItems(index: OrderedItems, a: number, b: number): number {
  const byGroup = compareGroups(index, a, b);
  if (byGroup !== 0) return byGroup;
  const byTime = index.at(a) - index.at(b);
  if (byTime !== 0) return byTime;
  const first = index.episode(a);
  const second = index.episode(b);
  // Of one group, and no episodes: one memory, compared with itself.
  if (first === undefined || second === undefined) return 0;
  return first.createdAt - second.createdAt || compareText(first.id, second.id) || index.place(a) - index.place(b);
}

/** Sessions first, then episodes without one, then memories. */
function compareGroups(index: OrderedItems, a: number, b: number): number {
  const first = index.episode(a);
  const second = index.episode(b);
  if (first === undefined || second === undefined) {
    if (first !== undefined) return -1;
    if (second !== undefined) return 1;
    return compareText(index.memory(a)!.id, index.memory(b)!.id);
  }
  if (first === second) return 0;
  if (first.sessionId === null || second.sessionId === null) {
    if (first.sessionId !== null) return -1;
    if (second.sessionId !== null) return 1;
    return compareText(first.id, second.id);
  }
  return compareText(first.sessionId, second.sessionId);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
