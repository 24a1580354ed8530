// Reference scoring
//
// What memory servers of this API do by default: a line for each episode, by how new it is and how many words of the task
// it has, both weighing the same, and the best that fit. It is flattered here: it looks at every episode and not at the
// newest thirty, and it cuts none off.

import { countTokens } from '../../src/actors/subject/token-count.js';
import type { ContextSource } from './context-source.js';

const WEIGHT = 5;
/** Kept for the headings. */
const HEADING_TOKENS = 10;

export const REFERENCE_SCORING: ContextSource = {
  name: 'recency and common words',
  async open({ turns }) {
    const times = turns.map(({ at }) => at);
    const oldest = Math.min(...times);
    const range = Math.max(...times) - oldest || 1;
    const lines = turns.map(({ at, speaker, text }) => {
      const line = `- ${speaker}: ${text}\n`;
      return { line, words: wordsOf(line), newness: (at - oldest) / range, tokens: countTokens(line) };
    });
    return {
      async contexts({ question }, bounds) {
        const asked = wordsOf(question);
        const scored = lines.map((each) => {
          const common = [...asked].filter((word) => each.words.has(word)).length;
          return { ...each, score: WEIGHT * each.newness + (WEIGHT * common) / asked.size };
        });
        scored.sort((a, b) => b.score - a.score);
        return bounds.map((bound) => {
          const heading = `## Task\n${question}\n`;
          const taken = [heading];
          let spent = countTokens(heading) + HEADING_TOKENS;
          for (const { line, tokens } of scored) {
            if (spent + tokens > bound) continue;
            spent += tokens;
            taken.push(line);
          }
          return taken.join('');
        });
      },
    };
  },
};

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(
    text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== ''),
  );
}
