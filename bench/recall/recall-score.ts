// Recall score
//
// How much of the evidence of each question is in its context, word for word. Per question, the share of its evidence, so
// that a question with nineteen turns of it weighs as much as one with a single turn; and per turn of evidence.

import type { ContextSource } from './context-source.js';
import type { Conversation } from './conversation.js';

export interface RecallScore {
  /** For each bound, 0 to 1. */
  readonly perQuestion: readonly number[];
  readonly perTurn: readonly number[];
  readonly byCategory: ReadonlyMap<string, readonly number[]>;
  readonly questions: number;
}

export async function recallOf(
  source: ContextSource,
  conversations: readonly Conversation[],
  bounds: readonly number[],
): Promise<RecallScore> {
  const shares: { readonly category: string; readonly found: readonly number[]; readonly evidence: number }[] = [];
  for (const conversation of conversations) {
    const texts = new Map(conversation.turns.map(({ id, text }) => [id, text]));
    const open = await source.open(conversation);
    for (const question of conversation.questions) {
      const contexts = await open.contexts(question, bounds);
      const evidence = question.evidence.map((id) => texts.get(id)!);
      const found = contexts.map((context) => evidence.filter((text) => context.includes(text)).length);
      shares.push({ category: question.category, found, evidence: evidence.length });
    }
  }
  const mean = (of: typeof shares): readonly number[] =>
    bounds.map((_, at) => sum(of.map(({ found, evidence }) => found[at]! / evidence)) / of.length);
  const categories = [...new Set(shares.map(({ category }) => category))].sort();
  return {
    perQuestion: mean(shares),
    perTurn: bounds.map(
      (_, at) => sum(shares.map(({ found }) => found[at]!)) / sum(shares.map((each) => each.evidence)),
    ),
    byCategory: new Map(categories.map((name) => [name, mean(shares.filter(({ category }) => category === name))])),
    questions: shares.length,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
