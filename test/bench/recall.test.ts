import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takenAway, takenOn } from '../../bench/recall/ablation.js';
import { type ContextSource, inProcess } from '../../bench/recall/context-source.js';
import { merged, parseConversation } from '../../bench/recall/conversation.js';
import { recallOf } from '../../bench/recall/recall-score.js';
import { REFERENCE_SCORING } from '../../bench/recall/reference-scoring.js';
import { SECOND_SET } from '../../bench/recall/second-set.js';
import { WEIGHTS } from '../../src/actors/subject/weights.js';

const SMALL = `
# one 2026-01-01T10:00
1 Ada: first\\nline
2 Bo: second: with a colon
# two 2026-01-02T10:00
3 Ada: third
? a | Which? | 1 2
? b | And now? | 3
`;

test('a conversation is read from its text, and a line or evidence that is none is told', () => {
  const { turns, questions } = parseConversation('small', SMALL);
  assert.deepEqual(
    turns.map(({ id, session, speaker, text }) => [id, session, speaker, text]),
    [
      ['1', 'one', 'Ada', 'first\nline'],
      ['2', 'one', 'Bo', 'second: with a colon'],
      ['3', 'two', 'Ada', 'third'],
    ],
  );
  assert.deepEqual(questions[0], { category: 'a', question: 'Which?', evidence: ['1', '2'] });
  assert.throws(() => parseConversation('odd', 'nothing of this kind'), /neither a session/);
  assert.throws(() => parseConversation('odd', '? a | Who? | 7'), /evidence/);
  assert.deepEqual(merged('both', [parseConversation('small', SMALL)]).questions[0]!.evidence, ['small/1', 'small/2']);
});

test('recall is the share of the evidence that stands in the context, per question and per turn', async () => {
  const fixed: ContextSource = {
    name: 'fixed',
    open: async () => ({ contexts: async () => ['nothing', 'first\nline', 'third, second: with a colon'] }),
  };
  const score = await recallOf(fixed, [parseConversation('small', SMALL)], [1, 2, 3]);
  assert.deepEqual(score.perQuestion, [0, 0.25, 0.75]);
  assert.deepEqual(score.perTurn, [0, 1 / 3, 2 / 3]);
  assert.deepEqual(score.byCategory.get('b'), [0, 0, 1]);
});

test('the second set asks enough, and recall by words alone finds twice what recency and common words do', async () => {
  assert.ok(SECOND_SET.questions.length >= 60);
  const [ours] = (await recallOf(inProcess('by words'), [SECOND_SET], [1_000])).perQuestion;
  const [reference] = (await recallOf(REFERENCE_SCORING, [SECOND_SET], [1_000])).perQuestion;
  assert.ok(ours! > 0.7 && ours! > 2 * reference!, `${ours} and ${reference}`);
});

test('an ablation begins with nothing, ends with everything, and takes each part away once', () => {
  const steps = takenOn();
  assert.deepEqual(steps.at(-1)!.weights, WEIGHTS);
  assert.equal(steps[0]!.weights.session + steps[0]!.weights.date + steps[0]!.weights.standIn, 0);
  assert.equal(takenAway().length, steps.length - 1);
});
