import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileHeuristically } from '../../../src/actors/subject/compiler/heuristic.js';
import { type HandoffRequest, handoffOf } from '../../../src/actors/subject/handoff.js';
import { healthOf, healthWeights } from '../../../src/actors/subject/health.js';
import type { Episode } from '../../../src/actors/subject/records.js';
import {
  DEFAULT_THRESHOLDS,
  type ResolutionStatus,
  type SessionResolution,
  slaOf,
} from '../../../src/actors/subject/sla.js';
import { DAY_MS, episode, ids, START } from './compiler/episodes.js';

const MINUTE_MS = 60_000;
const NOW = START + 10 * DAY_MS;
let count = 0;

function spoken(sessionId: string, role: string, content: string, atMs: number): Episode {
  return episode(
    `e${String(++count).padStart(4, '0')}`,
    { messages: [{ role, content }] },
    { sessionId, createdAt: atMs },
  );
}

function resolution(sessionId: string, status: ResolutionStatus, atMs: number): SessionResolution {
  return {
    sessionId,
    status,
    summary: `about ${sessionId}`,
    resolvedAtMs: status === 'resolved' ? atMs : null,
    updatedAtMs: atMs,
  };
}

describe('service levels', () => {
  test('counts waits from the first message of a person', () => {
    const told = [
      spoken('a', 'assistant', 'Welcome!', START - MINUTE_MS),
      spoken('a', 'user', 'My export fails', START),
      spoken('a', 'assistant', 'Let me see', START + 2 * MINUTE_MS),
      spoken('b', 'user', 'Hello?', START + DAY_MS),
      spoken('b', 'assistant', 'Sorry for the wait', START + DAY_MS + 8 * MINUTE_MS),
    ];
    const sla = slaOf(
      told.toReversed(),
      [resolution('a', 'resolved', START + 60 * MINUTE_MS)],
      DEFAULT_THRESHOLDS,
      NOW,
    );
    assert.deepEqual(
      sla.sessions.map((one) => [
        one.sessionId,
        one.status,
        one.firstResponseSeconds,
        one.resolutionSeconds,
        one.openSeconds,
      ]),
      [
        ['a', 'resolved', 120, 3_600, null],
        ['b', 'open', 480, null, (9 * DAY_MS) / 1_000],
      ],
    );
    assert.deepEqual([sla.totalSessions, sla.resolvedSessions, sla.openSessions], [2, 1, 1]);
    assert.deepEqual([sla.firstResponseSecondsMean, sla.resolutionSecondsMean], [300, 3_600]);
    assert.deepEqual([sla.firstResponseBreaches, sla.resolutionBreaches], [1, 1]);
  });

  test('counts who still waits, and sessions of which only the resolution is known', () => {
    const sla = slaOf(
      [spoken('a', 'user', 'Anybody?', NOW - 6 * MINUTE_MS)],
      [resolution('z', 'open', START)],
      DEFAULT_THRESHOLDS,
      NOW,
    );
    assert.deepEqual(
      sla.sessions.map((one) => [one.sessionId, one.firstResponseSeconds, one.firstResponseBreached]),
      [
        ['a', null, true],
        ['z', null, false],
      ],
    );
    assert.deepEqual([sla.firstResponseSecondsMean, sla.resolutionBreaches], [null, 0]);
  });

  test('has nothing to say of nobody', () => {
    const sla = slaOf([episode('e1', { text: 'hi' })], [], DEFAULT_THRESHOLDS, NOW);
    assert.deepEqual([sla.totalSessions, sla.firstResponseSecondsMean, sla.sessions], [0, null, []]);
  });
});

describe('health', () => {
  test('is whole of a subject of whom nothing is known', () => {
    assert.deepEqual(healthOf([], [], NOW), { score: 100, state: 'healthy', factors: [] });
  });

  test('says what takes from it', () => {
    const told = [
      spoken('old', 'user', 'The invoice export fails with a timeout error', START - 30 * DAY_MS),
      spoken('new', 'user', 'URGENT: the invoice export fails with a timeout again', START),
    ];
    const known = [resolution('old', 'resolved', START - 20 * DAY_MS), resolution('new', 'open', START)];
    const { score, state, factors } = healthOf(told, known, NOW);
    assert.deepEqual(
      factors.map(({ signal, impact }) => [signal, impact]),
      [
        ['unresolved_issues', -15],
        ['repeated_issues', -20],
        ['escalations', -10],
        ['idle_open_issue', -15],
        ['sla_resolution_breaches', -10],
      ],
    );
    assert.deepEqual([score, state], [30, 'at_risk']);
    for (const { detail } of factors) assert.ok(detail.length > 10);
  });

  test('says what gives to it, and stays within its bounds', () => {
    const done = ['a', 'b', 'c'].map((id) => resolution(id, 'resolved', NOW - DAY_MS));
    const told = done.map(({ sessionId }) => spoken(sessionId, 'user', 'Thanks', NOW - DAY_MS));
    const good = healthOf(told, done, NOW);
    assert.deepEqual(
      [good.score, good.factors.map(({ signal }) => signal)],
      [100, ['recent_resolution', 'high_resolution_rate']],
    );
    const many = Array.from({ length: 20 }, (_, at) => resolution(`s${at}`, 'unresolved', START));
    const bad = healthOf(
      many.map(({ sessionId }) => spoken(sessionId, 'user', 'critical outage', START)),
      many,
      NOW,
    );
    assert.deepEqual(
      bad.factors.map(({ impact }) => impact),
      [-45, -20, -15],
    );
    assert.deepEqual([bad.score, bad.state], [20, 'at_risk']);
  });

  test('adds up to its score, by the table, whatever was told', () => {
    const statuses = fc.constantFrom<ResolutionStatus>('open', 'resolved', 'unresolved');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(statuses, fc.nat(40), fc.constantFrom('hello', 'urgent', 'refund me')), { maxLength: 12 }),
        (rows) => {
          const told = rows.map(([, day, text], at) => spoken(`s${at}`, 'user', text, NOW - day * DAY_MS));
          const known = rows.map(([status, day], at) => resolution(`s${at}`, status, NOW - (day / 2) * DAY_MS));
          const { score, state, factors } = healthOf(told, known, NOW);
          const sum = factors.reduce((total, { impact }) => total + impact, 100);
          assert.equal(score, Math.max(0, Math.min(100, sum)));
          assert.equal(state, score >= 70 ? 'healthy' : score >= 40 ? 'watch' : 'at_risk');
          for (const { signal, impact } of factors)
            assert.ok(impact !== 0 && Math.abs(impact) <= Math.abs(healthWeights[signal].most));
          assert.deepEqual(healthOf(told.toReversed(), known.toReversed(), NOW).score, score);
        },
      ),
    );
  });
});

describe('the handoff', () => {
  const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
  const told = [
    spoken(
      's1',
      'user',
      'My name is Ana Reyes and I work at Globex. The export of invoices fails since Monday.',
      START,
    ),
    spoken('s1', 'assistant', 'Please try restarting the sync agent. What does the log say?', START + MINUTE_MS),
    spoken('s1', 'user', 'I already restarted it twice. No change.', START + 2 * MINUTE_MS),
    spoken('s2', 'user', 'How do I add a colleague?', START - DAY_MS),
  ];
  const { created } = compileHeuristically(told, [], { nowMs: START, newId: ids() });
  const known = [resolution('s2', 'resolved', START - DAY_MS), resolution('s1', 'open', START)];
  const request = (maxTokens: number): HandoffRequest => ({
    subjectId: 'ana',
    sessionId: 's1',
    reason: 'asks for a manager',
    maxTokens,
    nowMs: START + 3 * MINUTE_MS,
    countTokens: words,
  });

  test('tells what the session is about, with whom, and what was tried', () => {
    const handoff = handoffOf(request(4_000), told, created, known);
    assert.match(handoff.activeIssue, /export of invoices fails/);
    assert.equal(handoff.customerSummary, "User's name is Ana Reyes. User works at Globex.");
    assert.deepEqual(handoff.attemptedSteps, [
      'Please try restarting the sync agent.',
      'I already restarted it twice.',
    ]);
    assert.deepEqual(
      handoff.resolutionHistory.map(({ sessionId }) => sessionId),
      ['s2'],
    );
    assert.equal(handoff.recentContext.length, 3);
    assert.ok(handoff.keyFacts.includes('User works at Globex.'));
    assert.deepEqual(
      handoff.provenance.episode_ids,
      told.slice(0, 3).map(({ id }) => id),
    );
    for (const heading of [
      '# Handoff: ana, session s1',
      '## Active issue',
      '## Attempted steps',
      '## Key facts',
      '## Recent context',
    ]) {
      assert.ok(handoff.handoffNotes.includes(heading), heading);
    }
    assert.equal(handoff.tokenEstimate, words(handoff.handoffNotes));
    assert.deepEqual(handoffOf(request(4_000), told.toReversed(), created.toReversed(), known.toReversed()), handoff);
  });

  test('never passes its budget, and leaves out whole items, the least needed first', () => {
    let before = -1;
    for (let budget = 1; budget <= 200; budget++) {
      const handoff = handoffOf(request(budget), told, created, known);
      assert.ok(words(handoff.handoffNotes) <= budget, `${budget}`);
      for (const fact of handoff.keyFacts) assert.ok(handoff.handoffNotes.includes(`- ${fact}`));
      before = Math.max(before, handoff.tokenEstimate);
    }
    assert.ok(before > 80);
    assert.equal(handoffOf(request(1), told, created, known).handoffNotes, '');
    assert.deepEqual(handoffOf(request(40), told, created, known).recentContext, []);
  });

  test('knows of nobody what it was not told', () => {
    const { customerSummary, activeIssue, attemptedSteps, health } = handoffOf(request(500), [], [], []);
    assert.deepEqual([customerSummary, activeIssue, attemptedSteps, health.score], ['', '', [], 100]);
  });
});
