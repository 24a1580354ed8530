// Measures: how much of the evidence of a question is in the context that its asking gives, word for word, within 1,000,
// 2,000 and 4,000 tokens; by words alone and with the local embedder; by category; and what each part of ranking adds.
//
// Does not measure: whether a model answers well by it, or memories (no compile: contexts of what was said alone), or time
// (recall/speed does).
//
// How to read it: `tuned on` are the conversations that the weights were chosen by, `checked on` those that they never saw.
// The second set is of this repository: tickets, tool traces, six languages and paraphrases in one subject, in other words
// and styles than the first, so that weights that fit one style alone are seen. It is small, and so are its bounds. The floor
// is what servers of this API do by default (reference-scoring.ts). Percentages are means over questions; `of turns`, over turns of evidence.

import { WEIGHTS } from '../../src/actors/subject/weights.js';
import { type OpenBench, runBench } from '../harness/bench.js';
import type { Bound } from '../harness/report.js';
import { takenAway, takenOn } from './ablation.js';
import { type ContextSource, inProcess } from './context-source.js';
import { type Conversation, locomoDirectory, readLocomo } from './conversation.js';
import { type EmbeddedTexts, openEmbeddedTexts } from './embedded-texts.js';
import { type RecallScore, recallOf } from './recall-score.js';
import { REFERENCE_SCORING } from './reference-scoring.js';
import { SECOND_SET } from './second-set.js';

const BOUNDS = [1_000, 2_000, 4_000];
const SECOND_BOUNDS = [250, 500, 1_000];
const TUNED_ON = ['conversation-26', 'conversation-43', 'conversation-49'];
const EMBEDDING_THREADS = 1;
const QUICK_QUESTIONS = 20;

interface MeasuredSet {
  readonly name: string;
  readonly conversations: readonly Conversation[];
  readonly bounds: readonly number[];
  readonly withVectors: boolean;
}

function setsOf(quick: boolean): readonly MeasuredSet[] {
  const all = readLocomo(locomoDirectory());
  const tuned = all.filter(({ id }) => TUNED_ON.includes(id));
  const checked = all.filter(({ id }) => !TUNED_ON.includes(id));
  const shortened = (conversations: readonly Conversation[]): readonly Conversation[] =>
    quick
      ? conversations.slice(0, 1).map((each) => ({ ...each, questions: each.questions.slice(0, QUICK_QUESTIONS) }))
      : conversations;
  return [
    { name: 'tuned on', conversations: shortened(tuned), bounds: BOUNDS, withVectors: !quick },
    { name: 'checked on', conversations: shortened(checked), bounds: BOUNDS, withVectors: !quick },
    { name: 'second set', conversations: [SECOND_SET], bounds: SECOND_BOUNDS, withVectors: true },
  ].filter(({ conversations }) => conversations.length > 0);
}

const percent = (share: number): string => (share * 100).toFixed(1).padStart(5);
const cells = (shares: readonly number[]): string => shares.map(percent).join(' ');

class Table {
  readonly lines: string[] = [];
  readonly bounds: Bound[] = [];
  readonly #sets: readonly MeasuredSet[];
  readonly #vectors: EmbeddedTexts | null;

  constructor(sets: readonly MeasuredSet[], vectors: EmbeddedTexts | null) {
    this.#sets = sets;
    this.#vectors = vectors;
  }

  async row(source: ContextSource, usesVectors: boolean, hasDetails: boolean): Promise<void> {
    const scores: (RecallScore | null)[] = [];
    for (const { conversations, bounds, withVectors } of this.#sets) {
      scores.push(usesVectors && !withVectors ? null : await recallOf(source, conversations, bounds));
    }
    const shown = scores.map((score) => (score === null ? ''.padEnd(17) : cells(score.perQuestion)));
    this.lines.push(`${source.name.padEnd(44)} ${shown.join('  |  ')}`);
    if (hasDetails) this.#details(scores);
    const reaches = usesVectors ? [87, 92, 95] : [null, 90, null];
    if (!hasDetails || source === REFERENCE_SCORING) return;
    for (const [at, { name, bounds }] of this.#sets.entries()) {
      const score = scores[at];
      if (score === null || score === undefined || bounds !== BOUNDS) continue;
      for (const [place, value] of reaches.entries()) {
        if (value === null) continue;
        const what = `${source.name}, ${name}, within ${bounds[place]} tokens`;
        this.bounds.push({
          what,
          measured: score.perQuestion[place]! * 100,
          unit: '%',
          limit: { kind: 'least', value },
        });
      }
    }
  }

  #details(scores: readonly (RecallScore | null)[]): void {
    const turns = scores.map((score) => (score === null ? ''.padEnd(17) : cells(score.perTurn)));
    this.lines.push(`${'  of turns'.padEnd(44)} ${turns.join('  |  ')}`);
    for (const [at, { name }] of this.#sets.entries()) {
      for (const [category, shares] of scores[at]?.byCategory ?? []) {
        this.lines.push(`    ${name}, ${category}: ${cells(shares)}`);
      }
    }
  }

  async fill(): Promise<void> {
    const heading = this.#sets.map(({ name, bounds }) => `${name} ${bounds.join('/')}`);
    this.lines.push(`evidence found, %: ${heading.join('  |  ')}`);
    await this.row(REFERENCE_SCORING, false, true);
    for (const { name, weights } of takenOn()) await this.row(inProcess(name, weights), false, false);
    await this.row(inProcess('by words', WEIGHTS), false, true);
    for (const { name, weights } of takenAway()) await this.row(inProcess(name, weights), false, false);
    if (this.#vectors === null) return;
    await this.row(inProcess('with vectors', WEIGHTS, this.#vectors), true, true);
    for (const { name, weights } of takenAway()) {
      await this.row(inProcess(`with vectors, ${name}`, weights, this.#vectors), true, false);
    }
    await this.row(inProcess('vectors alone', { ...WEIGHTS, vector: 1 }, this.#vectors), true, false);
    const { msPerText, count } = this.#vectors;
    this.lines.push(`a vector takes ${msPerText.toFixed(1)} ms on ${EMBEDDING_THREADS} thread, mean of ${count} texts`);
  }
}

await runBench({
  name: 'recall/conversations',
  async open(quick): Promise<OpenBench> {
    const sets = setsOf(quick);
    const vectors = openEmbeddedTexts(EMBEDDING_THREADS);
    const table = new Table(sets, vectors);
    return {
      cases: [],
      async notes() {
        await table.fill();
        const missing: string[] = [];
        if (sets.length === 1)
          missing.push(`no conversations in ${locomoDirectory()}: measured on the second set alone`);
        if (vectors === null) missing.push('the local model is not installed: measured by words alone');
        const sizes = sets.map(({ name, conversations }) => {
          const turns = conversations.reduce((sum, each) => sum + each.turns.length, 0);
          const questions = conversations.reduce((sum, each) => sum + each.questions.length, 0);
          return `${name}: ${conversations.map(({ id }) => id).join(', ')}; ${turns} turns, ${questions} questions`;
        });
        return [...sizes, ...missing, ...table.lines];
      },
      bounds: () => table.bounds,
      close: async () => vectors?.close(),
    };
  },
});
