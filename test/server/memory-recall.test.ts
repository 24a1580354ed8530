// Memories by a query, and contexts for a task, over both listeners.

import assert from 'node:assert/strict';
import { episode, MemoryApi, type MemoryOf, memoryRefusal } from './memory-api.js';
import { onBothListeners } from './on-both-listeners.js';

const check = onBothListeners();

interface Context {
  readonly facts: readonly MemoryOf[];
  readonly episodes: readonly { readonly id: string }[];
  readonly procedures: readonly MemoryOf[];
  readonly provenance: Readonly<Record<string, readonly string[]>>;
  readonly assembled_context: string;
  readonly token_estimate: number;
  readonly sessions: readonly { readonly session_id: string; readonly episode_count: number }[];
  readonly explanation?: readonly { readonly score: number; readonly signals: Readonly<Record<string, number>> }[];
}

const said = (subject: string, content: string, session: string) =>
  episode(subject, '', { payload: { messages: [{ role: 'user', name: 'Mia', content }] }, session_id: session });
const contextFor = (memory: MemoryApi, subject: string, more: object = {}) =>
  memory.must<Context>(200, 'POST', '/v1/context', { subject_id: subject, task: 'Which pet does she have?', ...more });
const search = async (memory: MemoryApi, subject: string, query: string) => {
  const path = `/v1/memories/search?subject_id=${subject}&${query}`;
  return (await memory.must<{ memories: MemoryOf[] }>(200, 'GET', path)).memories;
};

async function tellOfMia(memory: MemoryApi, subject: string): Promise<void> {
  const lines: readonly (readonly [string, string])[] = [
    ['I adopted a parrot called Kiwi.', 's1'],
    ['I work at Globex as a plumber.', 's1'],
    ['The invoice of March is still not paid.', 's2'],
    ['It rained the whole day in Oslo.', 's2'],
  ];
  const episodes = lines.map(([text, session]) => said(subject, text, session));
  await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
}

check('finds what was said for a task, word for word, before and after it is compiled', async ({ api }) => {
  const memory = new MemoryApi(api);
  await tellOfMia(memory, 'mia');
  const raw = await contextFor(memory, 'mia');
  assert.match(raw.assembled_context, /Mia: I adopted a parrot called Kiwi\./);
  assert.match(raw.assembled_context, /^## Task\nWhich pet does she have\?\n/);
  assert.deepEqual(
    raw.episodes.map(({ id }) => id),
    raw.provenance.episode_ids,
  );
  await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'mia' });
  const compiled = await contextFor(memory, 'mia');
  const ids = [...(compiled.provenance.fact_ids ?? []), ...(compiled.provenance.summary_ids ?? [])];
  assert.ok(ids.length > 0);
  assert.deepEqual(
    compiled.facts.map(({ id }) => id),
    ids,
  );
  await memory.must(201, 'POST', '/v1/episodes', said('mia', 'My second pet is a tortoise named Flash.', 's3'));
  const later = await contextFor(memory, 'mia', { session_id: 's3' });
  assert.match(later.assembled_context, /### Current session \(s3\)\n[^#]*tortoise named Flash/);
  assert.match(later.assembled_context, /### Previous interactions\n/);
  assert.ok(later.sessions.some(({ session_id, episode_count }) => session_id === 's3' && episode_count === 1));
});

check('keeps to the tokens asked for, and leaves out whole items', async ({ api }) => {
  const memory = new MemoryApi(api);
  await tellOfMia(memory, 'budget');
  for (const max_tokens of [1, 5, 20, 40, 128_000]) {
    const made = await contextFor(memory, 'budget', { max_tokens });
    assert.ok(made.token_estimate <= max_tokens, `${made.token_estimate} of ${max_tokens}`);
    for (const line of made.assembled_context.split('\n').filter((one) => one.startsWith('Mia:'))) {
      assert.match(line, /\.$/);
    }
  }
});

check('explains each score as the sum of its signals', async ({ api }) => {
  const memory = new MemoryApi(api);
  await tellOfMia(memory, 'why');
  const { explanation } = await contextFor(memory, 'why', { explain: true });
  assert.equal(explanation?.length, 4);
  for (const { score, signals } of explanation ?? []) {
    const sum = Object.values(signals).reduce((so, each) => so + each, 0);
    assert.ok(Math.abs(sum - score) < 1e-9);
  }
});

check('searches memories by words, and by kind, and gives the newest without a query', async ({ api }) => {
  const memory = new MemoryApi(api);
  await tellOfMia(memory, 'search');
  await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'search' });
  const [best] = await search(memory, 'search', 'q=parrot');
  assert.match(best?.content ?? '', /parrot/);
  const facts = await search(memory, 'search', 'q=Globex&kind=profile_fact');
  assert.ok(facts.length > 0 && facts.every(({ kind }) => kind === 'profile_fact'));
  assert.equal((await search(memory, 'search', 'q=a+parrot+of+Globex&limit=1')).length, 1);
  assert.deepEqual(await search(memory, 'search', 'q=zeppelin'), []);
  const newest = await search(memory, 'search', 'limit=2');
  const { memories } = await memory.timeline('search');
  assert.deepEqual(newest, memories.slice(-2).reverse());
  assert.deepEqual(await search(memory, 'nobody', 'q=parrot'), []);
});

check('forgets at once what is deleted', async ({ api }) => {
  const memory = new MemoryApi(api);
  await tellOfMia(memory, 'forget');
  await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'forget' });
  assert.match((await contextFor(memory, 'forget')).assembled_context, /parrot/);
  await memory.remove('forget');
  const empty = await contextFor(memory, 'forget');
  assert.equal(empty.assembled_context, '## Task\nWhich pet does she have?\n');
  assert.deepEqual(await search(memory, 'forget', 'q=parrot'), []);
  await memory.must(201, 'POST', '/v1/episodes', said('forget', 'I have no pet.', 's1'));
  const again = await contextFor(memory, 'forget');
  assert.ok(again.assembled_context.includes('no pet') && !again.assembled_context.includes('parrot'));
});

check('says what is wrong with a question', async ({ api }) => {
  const memory = new MemoryApi(api);
  const wrong = [
    {},
    { subject_id: 'x' },
    { subject_id: 'x', task: '' },
    { subject_id: 'x', task: 'x'.repeat(4001) },
    { subject_id: 'x', task: 'x', max_tokens: 0 },
    { subject_id: 'x', task: 'x', max_tokens: 128_001 },
    { subject_id: 'x', task: 'x', max_tokens: 1.5 },
    { subject_id: 'x', task: 'x', session_id: 'a\u0000' },
  ];
  for (const body of wrong) memoryRefusal(await memory.send('POST', '/v1/context', body), 422, 'validation_error');
  for (const query of ['', 'subject_id=', 'subject_id=x&kind=y', 'subject_id=x&limit=101', 'subject_id=x&q=%zz']) {
    memoryRefusal(await memory.send('GET', `/v1/memories/search?${query}`), 422, 'validation_error');
  }
});

check('answers questions that come while the index is made', async ({ api, server }) => {
  const memory = new MemoryApi(api);
  for (let i = 0; i < 20; i++) {
    const episodes = Array.from({ length: 100 }, (_, n) =>
      said('big', `Line ${i * 100 + n} of a long story.`, `s${i}`),
    );
    await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
  }
  const asked = Array.from({ length: 20 }, () => contextFor(memory, 'big', { task: 'line 777' }));
  const told = await memory.tell('big', 'told meanwhile');
  const answers = await Promise.all(asked);
  for (const { assembled_context } of answers) assert.match(assembled_context, /Line 777 of/);
  assert.ok((await memory.timeline('big', '&limit=1')).episodes_has_more);
  const last = await contextFor(memory, 'big', { task: 'told meanwhile', explain: true });
  assert.ok(last.provenance.episode_ids?.includes(told.id));
  assert.ok(server.stderr === '' || !/"level":"error"/.test(server.stderr));
});
