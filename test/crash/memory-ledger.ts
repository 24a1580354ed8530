// Memory ledger
//
// What a client of the memory API did to one subject, what it was answered, and what must therefore be found after a crash.
//
// ML1. An acknowledged episode is there once, until a delete of its subject is acknowledged; then it never comes back.
// ML2. A delete whose answer was lost left all of the subject or nothing of it.
// ML3. Episodes told together are there together or not at all.
// ML4. Every memory comes from episodes that are there. Episodes that have a summary are the first ones, without a gap: a
//      batch is compiled whole or not at all. Whatever was there when an acknowledged compile began has one.

import type { TimelineOf } from '../server/memory-api.js';

/** Episodes told in one request, by their texts. */
export interface Told {
  readonly texts: readonly string[];
  readonly isAcknowledged: boolean;
}

export class MemoryLedger {
  readonly subject: string;
  #told: Told[] = [];
  /** Told before a delete whose answer was lost. */
  #beforeDelete: Told[] | undefined;
  /** Texts that can never come back. */
  readonly #gone = new Set<string>();
  /** Texts that are compiled. */
  readonly #compiled = new Set<string>();

  constructor(subject: string) {
    this.subject = subject;
  }

  told(texts: readonly string[], isAcknowledged: boolean): void {
    this.#told.push({ texts, isAcknowledged });
  }

  compiled(): void {
    for (const { texts, isAcknowledged } of this.#told) {
      if (isAcknowledged) for (const text of texts) this.#compiled.add(text);
    }
  }

  deleted(isAcknowledged: boolean): void {
    if (!isAcknowledged) {
      this.#beforeDelete = this.#told;
      this.#told = [];
      return;
    }
    for (const { texts } of this.#told) for (const text of texts) this.#gone.add(text);
    this.#told = [];
  }

  /** What is wrong with what is found; then the ledger goes on from there. */
  findings(timeline: TimelineOf): string[] {
    const found: string[] = [];
    const texts = timeline.episodes.map(({ payload }) => String(payload.text));
    const there = new Set(texts);
    if (there.size !== texts.length) found.push('an episode is there twice');
    for (const text of there) if (this.#gone.has(text)) found.push(`${text} has come back from the dead`);
    this.#settleDelete(there, found);
    for (const { texts: together, isAcknowledged } of this.#told) {
      const kept = together.filter((text) => there.has(text)).length;
      if (isAcknowledged && kept < together.length)
        found.push(`${together.length - kept} of ${together.join()} are lost`);
      else if (kept !== 0 && kept !== together.length) found.push(`only ${kept} of ${together.join()} are there`);
    }
    found.push(...this.#memoryFindings(timeline));
    this.#told = this.#told.flatMap(({ texts: told }) =>
      there.has(told[0]!) ? [{ texts: told, isAcknowledged: true }] : [],
    );
    return found;
  }

  #settleDelete(there: ReadonlySet<string>, found: string[]): void {
    const before = this.#beforeDelete;
    if (before === undefined) return;
    this.#beforeDelete = undefined;
    const acknowledged = before.filter(({ isAcknowledged }) => isAcknowledged).flatMap(({ texts }) => texts);
    const kept = acknowledged.filter((text) => there.has(text)).length;
    if (kept !== 0 && kept !== acknowledged.length) found.push(`a delete left ${kept} of ${acknowledged.length}`);
    if (kept > 0) this.#told = [...before, ...this.#told];
    else for (const { texts } of before) for (const text of texts) if (!there.has(text)) this.#gone.add(text);
  }

  #memoryFindings({ episodes, memories }: TimelineOf): string[] {
    const found: string[] = [];
    const ids = new Set(episodes.map(({ id }) => id));
    const summarized = new Map<string, number>();
    for (const { kind, source_episode_ids } of memories) {
      for (const id of source_episode_ids) {
        if (!ids.has(id)) found.push(`a memory is of the episode ${id}, which is not there`);
        if (kind === 'episode_summary') summarized.set(id, (summarized.get(id) ?? 0) + 1);
      }
    }
    let isBehind = false;
    for (const { id, payload } of episodes) {
      const summaries = summarized.get(id) ?? 0;
      if (summaries > 1) found.push(`${String(payload.text)} was compiled ${summaries} times`);
      if (summaries === 0 && this.#compiled.has(String(payload.text)))
        found.push(`${String(payload.text)} is not compiled`);
      if (summaries === 0) isBehind = true;
      else if (isBehind) found.push(`${String(payload.text)} is compiled, and one before it is not`);
    }
    return found;
  }
}
