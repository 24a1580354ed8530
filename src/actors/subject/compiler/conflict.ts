// Conflict
//
// What new memories do to the active ones, and to each other: in the order of their time, each takes the place of what it repeats
// or corrects.
//
// C1. A memory is superseded by a newer one of its kind that says the same (its slot and value, its artifact, or nearly its words), or
//     another value of a slot that has one, or the contrary. `validTo` is the newer one's `validFrom`.
// C2. A slot that has many values keeps those that differ.
// C3. Who repeats takes the provenance over, while it has room; since when it is told stands in `metadata.since`.
// C4. What is told late, of a time before the active one, is created superseded: history, and not the present. Where it repeats the
//     active one, that is written again with the provenance of both.
// C5. What an active memory already says of the same episodes is not said again.

import type { JsonObject, Memory, MemoryKind } from '../records.js';
import { isoDay } from './dates.js';
import type { Draft } from './draft.js';
import { NearDuplicates, type TermSet, termsOf } from './near-duplicates.js';
import { isSlotName, normalValue, opposedTo, slots } from './slots.js';

/** Episodes that one memory names; when they are more, the newer one begins anew, and the older ones keep naming theirs. */
export const PROVENANCE_MAX = 64;
/** Active memories of a kind, the newest, whose words are compared. */
export const COMPARED_MAX = 1_000;
export const JACCARD_FACTS = 0.6;
export const JACCARD_OTHERS = 0.8;

/** Of active memories, for as long as they are held: a compile of a few episodes looks at a thousand of them. */
const knownTerms = new WeakMap<Memory, TermSet>();

export interface Standing extends Draft {
  /** The memory it is, where it is one already. */
  readonly id: string | undefined;
  /** When a newer one took its place. */
  readonly validTo: number | null;
}

export interface Reconciled {
  /** In the order of their time; those with a `validTo` have been superseded already. */
  readonly created: readonly Standing[];
  readonly superseded: readonly { readonly id: string; readonly validTo: number }[];
}

/** `drafts` in the order of their time. Cost: linear in both, and of the COMPARED_MAX newest active ones of a kind the terms. */
export function reconcile(drafts: readonly Draft[], active: readonly Memory[]): Reconciled {
  const field = new Field();
  field.admit(active, drafts);
  for (const draft of drafts) field.take(draft);
  return field.outcome();
}

/** What identifies a memory among those of its kind: by its value, and by the place that only one value may have. */
interface Identity {
  readonly same: string | undefined;
  readonly place: string | undefined;
  readonly contrary: string | undefined;
}

const text = (metadata: JsonObject, member: string): string =>
  typeof metadata[member] === 'string' ? metadata[member] : '';

function identityOf(kind: MemoryKind, metadata: JsonObject): Identity {
  const slot = text(metadata, 'slot');
  if (kind === 'profile_fact' && isSlotName(slot)) {
    const holder = text(metadata, 'holder').toLowerCase();
    const [key, value] = [text(metadata, 'key').toLowerCase(), normalValue(text(metadata, 'value'))];
    const place = `${holder}\n${slot}\n${key}`;
    const opposed = opposedTo(slot);
    return {
      same: `${place}\n${value}`,
      place: slots[slot].arity === 'one' ? place : undefined,
      contrary: opposed === undefined ? undefined : `${holder}\n${opposed}\n${key}\n${value}`,
    };
  }
  const ref = kind === 'artifact_ref' ? text(metadata, 'ref') : '';
  const actions = kind === 'procedure' && Array.isArray(metadata.actions) ? metadata.actions.join('\n') : '';
  const same = ref !== '' ? `ref\n${ref}` : actions !== '' ? `actions\n${actions}` : undefined;
  return { same, place: undefined, contrary: undefined };
}

class Field {
  /** What was created, undefined where it became one with another. */
  readonly #order: (Standing | undefined)[] = [];
  readonly #places = new Map<Standing, number>();
  readonly #superseded = new Map<string, number>();
  readonly #bySame = new Map<string, Standing>();
  readonly #byPlace = new Map<string, Standing>();
  readonly #near = new Map<MemoryKind, NearDuplicates<Standing>>();

  /** Takes in those active memories that a draft could meet. */
  admit(active: readonly Memory[], drafts: readonly Draft[]): void {
    const sought = new Set<string>();
    const kinds = new Set<MemoryKind>();
    for (const { kind, metadata } of drafts) {
      const { same, place, contrary } = identityOf(kind, metadata);
      if (same === undefined) kinds.add(kind);
      for (const name of [same, place, contrary]) if (name !== undefined) sought.add(name);
    }
    const compared = new Map<MemoryKind, Memory[]>();
    for (const memory of active) {
      if (memory.status !== 'active') continue;
      const { same, place } = identityOf(memory.kind, memory.metadata);
      if (same === undefined) {
        if (!kinds.has(memory.kind)) continue;
        const known = compared.get(memory.kind);
        if (known === undefined) compared.set(memory.kind, [memory]);
        else known.push(memory);
      } else if (sought.has(same) || (place !== undefined && sought.has(place))) this.#stand(standing(memory));
    }
    for (const memories of compared.values()) {
      const newest = memories.sort((a, b) => a.validFrom - b.validFrom || (a.id < b.id ? -1 : 1)).slice(-COMPARED_MAX);
      for (const memory of newest) this.#stand(standing(memory), activeTerms(memory));
    }
  }

  take(draft: Draft): void {
    const rivals = this.#rivalsOf(draft);
    const repeated = rivals.filter((rival) => repeats(rival, draft));
    if (repeated.some((rival) => draft.episodeIds.every((id) => rival.episodeIds.includes(id)))) return;
    const later = rivals.find((rival) => rival.saidAtMs > draft.saidAtMs);
    if (later !== undefined) {
      this.#takeLate(draft, later);
      return;
    }
    let merged: Standing = { ...draft, id: undefined, validTo: null };
    for (const rival of repeated) merged = withProvenance(merged, rival, rival.saidAtMs);
    this.#replace(rivals, merged);
  }

  #takeLate(draft: Draft, later: Standing): void {
    const grown = repeats(later, draft) ? withProvenance({ ...later, id: undefined }, draft, draft.saidAtMs) : later;
    if (grown.episodeIds.length > later.episodeIds.length) this.#replace([later], grown);
    if (grown === later || draft.content !== later.content)
      this.#put({ ...draft, id: undefined, validTo: later.saidAtMs });
  }

  #replace(rivals: readonly Standing[], newer: Standing): void {
    for (const rival of rivals) this.#retire(rival, newer);
    this.#put(newer);
    this.#stand(newer);
  }

  #put(one: Standing): void {
    this.#places.set(one, this.#order.length);
    this.#order.push(one);
  }

  outcome(): Reconciled {
    const superseded = [...this.#superseded].map(([id, validTo]) => ({ id, validTo }));
    return { created: this.#order.filter((one) => one !== undefined), superseded };
  }

  #rivalsOf(draft: Draft): readonly Standing[] {
    const { same, place, contrary } = identityOf(draft.kind, draft.metadata);
    if (same === undefined) return this.#nearOf(draft.kind).find(termsFor(draft));
    const found = [same, contrary].flatMap((name) => (name === undefined ? [] : (this.#bySame.get(name) ?? [])));
    const placed = place === undefined ? undefined : this.#byPlace.get(place);
    return [...new Set(placed === undefined ? found : [...found, placed])];
  }

  #nearOf(kind: MemoryKind): NearDuplicates<Standing> {
    let near = this.#near.get(kind);
    if (near === undefined) {
      near = new NearDuplicates(kind === 'profile_fact' ? JACCARD_FACTS : JACCARD_OTHERS);
      this.#near.set(kind, near);
    }
    return near;
  }

  #stand(one: Standing, terms?: TermSet): void {
    const { same, place } = identityOf(one.kind, one.metadata);
    if (same === undefined) this.#nearOf(one.kind).add(one, terms ?? termsFor(one));
    else this.#bySame.set(same, one);
    if (place !== undefined) this.#byPlace.set(place, one);
  }

  #retire(rival: Standing, newer: Standing): void {
    const { same, place } = identityOf(rival.kind, rival.metadata);
    if (same === undefined) this.#nearOf(rival.kind).remove(rival);
    else this.#bySame.delete(same);
    if (place !== undefined && this.#byPlace.get(place) === rival) this.#byPlace.delete(place);
    if (rival.id !== undefined) {
      this.#superseded.set(rival.id, newer.saidAtMs);
      return;
    }
    // Told twice in one batch, in the same words and with all its episodes carried over: one memory.
    const carried = rival.content === newer.content && rival.episodeIds.every((id) => newer.episodeIds.includes(id));
    this.#order[this.#places.get(rival)!] = carried ? undefined : { ...rival, validTo: newer.saidAtMs };
  }
}

/** What was done is told apart as numbers are: a run that failed is not one that ended well. */
function termsFor({ content, metadata }: Pick<Memory, 'content' | 'metadata'>): TermSet {
  const set = termsOf(content);
  return Array.isArray(metadata.actions) ? { ...set, numbers: `${set.numbers}\n${metadata.actions.join('\n')}` } : set;
}

function activeTerms(memory: Memory): TermSet {
  let terms = knownTerms.get(memory);
  if (terms === undefined) {
    terms = termsFor(memory);
    knownTerms.set(memory, terms);
  }
  return terms;
}

function standing(memory: Memory): Standing {
  const { id, kind, content, summary, confidence, validFrom, sourceEpisodeIds, metadata } = memory;
  return {
    id,
    kind,
    content,
    summary,
    confidence,
    saidAtMs: validFrom,
    episodeIds: sourceEpisodeIds,
    metadata,
    validTo: null,
  };
}

/** Of a rival: that it says what the draft says, and not another value or the contrary. */
function repeats(rival: Draft, draft: Draft): boolean {
  const { same } = identityOf(rival.kind, rival.metadata);
  return same === undefined || same === identityOf(draft.kind, draft.metadata).same;
}

function withProvenance(newer: Standing, older: Draft, sinceMs: number): Standing {
  const episodeIds = [...new Set([...older.episodeIds, ...newer.episodeIds])];
  if (episodeIds.length > PROVENANCE_MAX) return newer;
  const days = [text(older.metadata, 'since'), text(newer.metadata, 'since'), isoDay(sinceMs)].filter(
    (day) => day !== '',
  );
  return { ...newer, episodeIds, metadata: { ...newer.metadata, since: days.sort()[0]! } };
}
