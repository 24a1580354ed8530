// Near duplicates
//
// Finds texts whose sets of terms overlap by a Jaccard coefficient of at least a threshold, without comparing all with all: two sets
// can only reach t when they share a term among the first |A| - ceil(t |A|) + 1 of an order common to both (prefix filtering:
// Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", 2006). Long terms come first in that
// order, since they are rare.
//
// Owns: the sets, and where their first terms stand. Bounded by what is added.
// N1. Texts that differ in a number are two things, however alike: an invoice is not the next one.

const TERMS_MAX = 512;
const TERM_CHARS_MAX = 64;

export interface TermSet {
  /** In the common order. */
  readonly terms: readonly string[];
  readonly numbers: string;
}

export function termsOf(text: string): TermSet {
  const terms = new Set<string>();
  for (const [run] of text.toLowerCase().matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if (terms.size >= TERMS_MAX) break;
    // Scripts without spaces: pairs of characters are their words.
    if (/^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(run))
      for (const pair of pairsOf(run)) terms.add(pair);
    else terms.add(run.slice(0, TERM_CHARS_MAX));
  }
  const ordered = [...terms].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return {
    terms: ordered,
    numbers: ordered
      .filter((term) => /\p{N}/u.test(term))
      .sort()
      .join(' '),
  };
}

function* pairsOf(run: string): Generator<string> {
  const characters = Array.from(run.slice(0, TERMS_MAX));
  if (characters.length === 1) yield run;
  for (let at = 1; at < characters.length; at++) yield characters[at - 1]! + characters[at]!;
}

export function jaccard(a: TermSet, b: TermSet): number {
  if (a.terms.length === 0 && b.terms.length === 0) return 1;
  const larger = new Set(a.terms);
  const shared = b.terms.reduce((count, term) => count + (larger.has(term) ? 1 : 0), 0);
  return shared / (a.terms.length + b.terms.length - shared);
}

export class NearDuplicates<T> {
  readonly #threshold: number;
  readonly #byTerm = new Map<string, Set<T>>();
  readonly #sets = new Map<T, { readonly set: TermSet; readonly place: number }>();
  #added = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  add(item: T, set: TermSet): void {
    this.#sets.set(item, { set, place: this.#added++ });
    for (const term of this.#prefix(set)) {
      const items = this.#byTerm.get(term);
      if (items === undefined) this.#byTerm.set(term, new Set([item]));
      else items.add(item);
    }
  }

  remove(item: T): void {
    const known = this.#sets.get(item);
    if (known === undefined) return;
    this.#sets.delete(item);
    for (const term of this.#prefix(known.set)) this.#byTerm.get(term)?.delete(item);
  }

  /** What is at least as near as the threshold, in the order of adding. */
  find(set: TermSet): readonly T[] {
    const candidates = new Set<T>();
    for (const term of this.#prefix(set)) for (const item of this.#byTerm.get(term) ?? []) candidates.add(item);
    const near = [...candidates].filter((item) => this.#reaches(set, this.#sets.get(item)!.set));
    return near.sort((a, b) => this.#sets.get(a)!.place - this.#sets.get(b)!.place);
  }

  #reaches(a: TermSet, b: TermSet): boolean {
    // Sizes too different cannot reach it: no need to count.
    const [small, large] = [Math.min(a.terms.length, b.terms.length), Math.max(a.terms.length, b.terms.length)];
    return a.numbers === b.numbers && small >= this.#threshold * large && jaccard(a, b) >= this.#threshold;
  }

  #prefix({ terms }: TermSet): readonly string[] {
    return terms.slice(0, terms.length - Math.ceil(this.#threshold * terms.length - 1e-9) + 1);
  }
}
