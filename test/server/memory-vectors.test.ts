// What is found by meaning, through the real model, over both listeners.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isLocalModelInstalled } from '../../src/embedding/local-embedder.js';
import { episode, MemoryApi, type MemoryOf } from './memory-api.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';

interface Explained {
  readonly assembled_context: string;
  readonly provenance: { readonly degraded?: readonly string[] };
  readonly explanation: readonly { readonly item: string; readonly cosine: number | null }[];
}

/** Loading the model is much work for a machine that is busy with other tests. */
const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 50;

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `not within ${DEADLINE_MS} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

const LINES = ['I have two dogs at home.', 'The invoice was paid by bank transfer.', 'It rained the whole day.'];

const contextOf = (memory: MemoryApi, subject: string) => {
  const task = 'Which animals live with you?';
  return memory.must<Explained>(200, 'POST', '/v1/context', { subject_id: subject, task, explain: true });
};
const isWhole = ({ explanation, provenance }: Explained, items: number) =>
  provenance.degraded === undefined &&
  explanation.length === items &&
  explanation.every(({ cosine }) => cosine !== null);

if (isLocalModelInstalled()) {
  const check = onServersOfTheirOwn({ 'memory.embeddings.provider': 'local' });

  check('finds by meaning, and the same after a kill, and forgets what is deleted', async ({ api, server }) => {
    const memory = new MemoryApi(api);
    const episodes = LINES.map((text) => episode('mia', text));
    await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
    await until('every item has its vector', async () => isWhole(await contextOf(memory, 'mia'), 3));
    const before = await contextOf(memory, 'mia');
    const best = before.explanation.toSorted((a, b) => b.cosine! - a.cosine!)[0]!;
    assert.equal(before.explanation[0]!.item, best.item);
    await server.kill();
    await server.startAgain();
    await until(
      'the model is loaded again',
      async () => (await contextOf(memory, 'mia')).provenance.degraded === undefined,
    );
    assert.deepEqual(await contextOf(memory, 'mia'), before);

    await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'mia' });
    const path = '/v1/memories/search?subject_id=mia&q=pets+and+animals&semantic=true&limit=1';
    await until('the memory about dogs is the nearest', async () => {
      const { memories } = await memory.must<{ memories: MemoryOf[] }>(200, 'GET', path);
      return /dogs/.test(memories[0]?.content ?? '');
    });
    const ready = await memory.must<{ dependencies: { name: string; status: string }[] }>(200, 'GET', '/readyz');
    assert.ok(ready.dependencies.some(({ name, status }) => name === 'embeddings' && status === 'ok'));
    await memory.remove('mia');
    assert.deepEqual((await contextOf(memory, 'mia')).explanation, []);
    await memory.tell('mia', 'The sky is blue.');
    await until('the new life has its own vectors', async () => isWhole(await contextOf(memory, 'mia'), 1));
  });
} else {
  test('finds by meaning', { skip: 'the model is not installed' }, () => undefined);
}
