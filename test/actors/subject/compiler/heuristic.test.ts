import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PROVENANCE_MAX } from '../../../../src/actors/subject/compiler/conflict.js';
import type { Draft } from '../../../../src/actors/subject/compiler/draft.js';
import {
  ARTIFACTS_PER_EPISODE_MAX,
  type Compiled,
  compileHeuristically,
  draftsInTurn,
  FACTS_PER_EPISODE_MAX,
  finish,
  inTime,
} from '../../../../src/actors/subject/compiler/heuristic.js';
import type { Episode, Memory } from '../../../../src/actors/subject/records.js';
import { DAY_MS, episode, ids, START, said } from './episodes.js';
import { foreign, stated, unstated } from './utterances.js';

const compile = (episodes: readonly Episode[], active: readonly Memory[] = [], newId = ids()): Compiled =>
  compileHeuristically(episodes, active, { nowMs: START + 100 * DAY_MS, newId });

/** The active memories after a compile. */
function after(active: readonly Memory[], { created, superseded }: Compiled): readonly Memory[] {
  const gone = new Set(superseded.map(({ id }) => id));
  return [...active.filter(({ id }) => !gone.has(id)), ...created.filter(({ status }) => status === 'active')];
}

const facts = (memories: readonly Memory[], slot = ''): readonly string[] =>
  memories
    .filter(({ kind, metadata }) => kind === 'profile_fact' && String(metadata.slot).startsWith(slot))
    .map(({ content }) => content);
const slotted = (memories: readonly Memory[], slot: string): Memory =>
  memories.find(({ metadata }) => metadata.slot === slot)!;

describe('the heuristic compiler', () => {
  test('makes a summary of every episode, and names the episode in every memory (K1)', () => {
    const episodes = [...stated.map(([text]) => text), ...unstated, ...foreign].map((text, at) =>
      said(`e${at}`, text, at),
    );
    const { created } = compile(episodes);
    const summarised = new Set(
      created.filter(({ kind }) => kind === 'episode_summary').flatMap((one) => one.sourceEpisodeIds),
    );
    for (const { id } of episodes) assert.ok(summarised.has(id), id);
    const known = new Set(episodes.map(({ id }) => id));
    for (const { sourceEpisodeIds, confidence, content } of created) {
      assert.ok(sourceEpisodeIds.length > 0 && sourceEpisodeIds.every((id) => known.has(id)));
      assert.ok(confidence >= 0.6 && confidence <= 0.8, content);
    }
  });

  test('gives the same for the same, with ids in the order of time (K2)', () => {
    const episodes = stated.map(([text], at) => said(`e${at}`, text, at));
    assert.deepEqual(compile(episodes.toReversed()), compile(episodes));
    const { created } = compile(episodes);
    assert.deepEqual(
      created.map(({ id }) => id),
      created.map(({ id }) => id).toSorted(),
    );
  });

  test('gives nothing for what is compiled (K3)', () => {
    const episodes = stated.map(([text], at) => said(`e${at}`, text, at % 3));
    const once = after([], compile(episodes));
    assert.deepEqual(compile(episodes, once), { created: [], superseded: [] });
    assert.equal(
      compile([episodes[0]!, episodes[0]!]).created.filter(({ kind }) => kind === 'episode_summary').length,
      1,
    );
  });

  test('gives the same when its drafts are taken one episode at a time', () => {
    const episodes = stated.map(([text], at) => said(`e${at}`, text, at));
    const fresh = inTime(episodes);
    const drafts: Draft[] = [];
    for (const some of draftsInTurn(fresh, [])) drafts.push(...some);
    const context = { nowMs: START + 100 * DAY_MS, newId: ids() };
    assert.deepEqual(finish(drafts, fresh, [], context), compile(episodes));
  });

  test('supersedes the value of a slot that has one, from the newer statement on (C1)', () => {
    const first = after([], compile([said('e1', 'I work at Globex.')]));
    const second = compile([said('e2', 'I work at Initech now.', 3)], first, ids('n'));
    assert.deepEqual(facts(second.created), ['User works at Initech.']);
    assert.deepEqual(second.superseded, [{ id: slotted(first, 'employer').id, validTo: START + 3 * DAY_MS }]);
  });

  test('keeps both in history when one batch says both (C1)', () => {
    const { created, superseded } = compile([said('e2', 'I live in Oslo.', 3), said('e1', 'I live in Rome.')]);
    const homes = created.filter(({ metadata }) => metadata.slot === 'place.home');
    assert.deepEqual(
      homes.map(({ content, status, validTo }) => [content, status, validTo]),
      [
        ['User lives in Rome.', 'superseded', START + 3 * DAY_MS],
        ['User lives in Oslo.', 'active', null],
      ],
    );
    assert.deepEqual(superseded, []);
  });

  test('keeps different values of a slot that has many (C2)', () => {
    const first = after([], compile([said('e1', 'We use Postgres. My sister is called Anna.')]));
    const second = after(first, compile([said('e2', 'We use Redis. My sister is called Mia.', 1)], first, ids('n')));
    assert.deepEqual(facts(second, 'tool').toSorted(), ['User uses Postgres.', 'User uses Redis.']);
    assert.equal(facts(second, 'relation').length, 2);
  });

  test('believes the later of two that deny each other (C1)', () => {
    const first = after([], compile([said('e1', 'I love coffee. I work at Globex.')]));
    const second = after(first, compile([said('e2', 'I hate coffee. I left Globex.', 1)], first, ids('n')));
    assert.deepEqual(facts(second).toSorted(), ['User dislikes coffee.', 'User no longer works at Globex.']);
  });

  test('makes one memory of one sentence said twice, with both episodes (C3)', () => {
    const together = after([], compile([said('e1', 'I live in Rome.'), said('e2', 'I live in Rome.', 2)]));
    const first = after([], compile([said('e1', 'I live in Rome.')]));
    const apart = after(first, compile([said('e2', 'I live in Rome.', 2)], first, ids('n')));
    for (const memories of [together, apart]) {
      assert.equal(memories.length, 2);
      for (const { sourceEpisodeIds, metadata, validFrom } of memories) {
        assert.deepEqual(sourceEpisodeIds, ['e1', 'e2']);
        assert.equal(metadata.since, '2023-05-08');
        assert.equal(validFrom, START + 2 * DAY_MS);
      }
    }
  });

  test('begins provenance anew when a memory names as many episodes as it may (C3)', () => {
    let active: readonly Memory[] = [];
    const newId = ids();
    for (let at = 0; at <= PROVENANCE_MAX; at++)
      active = after(active, compile([said(`e${at}`, 'I like tea.', at)], active, newId));
    assert.deepEqual(slotted(active, 'preference.likes').sourceEpisodeIds, [`e${PROVENANCE_MAX}`]);
  });

  test('takes what is told late for history (C4)', () => {
    const first = after([], compile([said('e1', 'I live in Oslo.', 9)]));
    const late = compile([said('e0', 'I live in Rome.', 1)], first, ids('n'));
    assert.deepEqual(late.superseded, []);
    const rome = slotted(late.created, 'place.home');
    assert.deepEqual([rome.status, rome.validTo], ['superseded', START + 9 * DAY_MS]);
  });

  test('ends with the same active memories however the episodes are cut into batches', () => {
    const lines = [
      'I live in Rome.',
      'I live in Oslo.',
      'I love tea.',
      'I hate tea.',
      'I work at Acme.',
      'See https://a.example/x',
      'We use Redis.',
    ];
    const view = (memories: readonly Memory[]): readonly string[] =>
      memories
        .map(({ kind, content, validFrom, sourceEpisodeIds }) =>
          JSON.stringify([kind, content, validFrom, sourceEpisodeIds.toSorted()]),
        )
        .sort();
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length - 1), { maxLength: 20 }), fc.nat(19), (picks, cut) => {
        const episodes = picks.map((pick, at) => said(`e${String(at).padStart(2, '0')}`, lines[pick]!, at));
        const newId = ids();
        const whole = after([], compile(episodes, [], newId));
        const half = after([], compile(episodes.slice(0, cut), [], newId));
        assert.deepEqual(view(after(half, compile(episodes.slice(cut), half, newId))), view(whole));
      }),
    );
  });

  test('keeps nearly the same summaries apart when they differ in a number (N1)', () => {
    const line = (number: number): string =>
      `The invoice ${number} of the northern region was paid in full by the customer this quarter, as agreed with sales`;
    const { created } = compile([
      said('e1', line(4411)),
      said('e2', line(4412), 1),
      said('e3', `${line(4412)} again`, 2),
    ]);
    const active = created.filter(({ kind, status }) => kind === 'episode_summary' && status === 'active');
    assert.deepEqual(
      active.map(({ sourceEpisodeIds }) => sourceEpisodeIds),
      [['e1'], ['e2', 'e3']],
    );
  });

  test('tells people apart who talk with each other', () => {
    const talk = episode('e1', {
      messages: [
        { role: 'user', name: 'Ana', content: 'I live in Rome.' },
        { role: 'user', name: 'Ben', content: 'I live in Oslo.' },
        { role: 'assistant', content: 'Got it, you work at Acme.' },
        { role: 'system', content: 'My name is Prompt.' },
      ],
    });
    assert.deepEqual(facts(compile([talk]).created), [
      'Ana lives in Rome.',
      'Ben lives in Oslo.',
      'Ana works at Acme.',
    ]);
  });

  test('stamps the end that its kind has', () => {
    const { created } = compileHeuristically([said('e1', 'I live in Rome.')], [], {
      nowMs: START,
      newId: ids(),
      ttlDays: { profile_fact: 30 },
    });
    const ends = Object.fromEntries(created.map(({ kind, validTo }) => [kind, validTo]));
    assert.deepEqual(ends, { episode_summary: null, profile_fact: START + 30 * DAY_MS });
  });

  test('bounds what one episode gives, and says what was left out (K4)', () => {
    const many = Array.from({ length: 200 }, (_, at) => `We use Tool${at}. See https://a.example/${at}`).join('\n');
    const { created } = compile([said('e1', many)]);
    const count = (kind: string): number => created.filter((one) => one.kind === kind).length;
    assert.equal(count('profile_fact'), FACTS_PER_EPISODE_MAX);
    assert.equal(count('artifact_ref'), ARTIFACTS_PER_EPISODE_MAX);
    assert.equal(created[0]!.metadata.facts_left_out, 200 - FACTS_PER_EPISODE_MAX);
  });

  test('bears payloads of every shape', () => {
    const json = fc.jsonValue({ depthSize: 'small' }) as fc.Arbitrary<Memory['metadata']>;
    fc.assert(
      fc.property(fc.array(json, { maxLength: 4 }), fc.string({ unit: 'binary' }), (values, text) => {
        const messages = [...values, { role: 'user', content: text }];
        const payloads = [
          { messages },
          { text: values[0] ?? null },
          { steps: values },
          { content: text },
          { tool: text, status: values },
        ];
        const { created } = compile(payloads.map((payload, at) => episode(`e${at}`, payload as Memory['metadata'])));
        assert.ok(created.length > 0);
      }),
    );
  });
});
