// Ring
//
// A queue in an array that is used round and round: as many places as a power of two, of which some are taken, from the
// head on. Neither end costs more with its length.

/** An empty ring of at most so many places keeps them, for the next item; a larger one gives them back. */
const PLACES_KEPT = 64;
const PLACES_MIN = 4;

export class Ring<T> {
  #places: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#length++) & (this.#places.length - 1)] = item;
  }

  pushFront(item: T): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#places.length - 1);
    this.#places[this.#head] = item;
    this.#length++;
  }

  /** The place counts from the head; undefined past the end. */
  at(place: number): T | undefined {
    return place < this.#length ? this.#places[(this.#head + place) & (this.#places.length - 1)] : undefined;
  }

  remove(isMeant: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) (isMeant(next) ? removed : kept).push(next);
    for (const item of kept) this.push(item);
    return removed;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    if (--this.#length === 0 && this.#places.length > PLACES_KEPT) {
      this.#places = [];
      this.#head = 0;
    }
    return item;
  }

  #grow(): void {
    const places = this.#places;
    const grown: (T | undefined)[] = new Array(Math.max(PLACES_MIN, places.length * 2)).fill(undefined);
    for (let i = 0; i < this.#length; i++) grown[i] = places[(this.#head + i) & (places.length - 1)];
    this.#places = grown;
    this.#head = 0;
  }
}
