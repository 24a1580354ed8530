// The same store, task and budget give the same bytes: on one worker and on four, before and after a restart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { episode, MemoryApi } from './memory-api.js';
import { ServerProcess } from './server-process.js';
import { TroupeApi } from './troupe-api.js';

const PEOPLE = ['Ana', 'Bo', 'Cleo', 'Dov'];
const THINGS = ['a red bicycle', 'the invoice of March', 'an old piano', 'tickets to Lisbon', 'a broken printer'];
const TASKS = ['Who has a piano?', 'What about the invoice?', 'When do they travel to Lisbon?', 'printer'];
const BUDGETS = [50, 400, 4000];

function episodes(subject: string): object[] {
  return Array.from({ length: 60 }, (_, n) => {
    const person = PEOPLE[n % PEOPLE.length];
    const content = `${person} speaks of ${THINGS[n % THINGS.length]}, for the time number ${n}.`;
    const payload = { messages: [{ role: 'user', name: person, content }] };
    const occurred_at = new Date(Date.UTC(2026, 0, 1, n)).toISOString();
    return episode(subject, '', { payload, session_id: `s${n % 7}`, occurred_at });
  });
}

async function contexts(memory: MemoryApi, subject: string): Promise<string[]> {
  const texts: string[] = [];
  for (const task of TASKS) {
    for (const max_tokens of BUDGETS) {
      const body = { subject_id: subject, task, max_tokens, session_id: 's1', explain: true };
      const answer = await memory.send('POST', '/v1/context', body);
      assert.equal(answer.status, 200, answer.text);
      texts.push(answer.text);
    }
  }
  return texts;
}

test('gives the same contexts on one worker and on four, before and after a restart, and after an import', async () => {
  const server = await ServerProcess.start({ workers: 1 });
  const api = new TroupeApi(() => server.port);
  try {
    const memory = new MemoryApi(api);
    const admin = memory.as({ authorization: `Bearer ${await server.adminToken()}` });
    for (let n = 0; n < 60; n += 10) {
      await memory.must(201, 'POST', '/v1/episodes/batch', { episodes: episodes('same').slice(n, n + 10) });
      // Some is indexed while it is told, and some when the index is built.
      if (n === 20) await contexts(memory, 'same');
      if (n === 30) await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'same' });
    }
    await memory.must(200, 'POST', '/v1/resolutions', { subject_id: 'same', session_id: 's2', status: 'resolved' });
    const first = await contexts(memory, 'same');
    assert.deepEqual(await contexts(memory, 'same'), first);
    const document = await admin.must(200, 'GET', '/admin/export/same');
    for (const workers of [4, 1]) {
      await server.stop();
      await server.startAgain({ workers });
      assert.deepEqual(await contexts(memory, 'same'), first, `${workers} workers`);
    }
    await server.kill();
    await server.startAgain();
    assert.deepEqual(await contexts(memory, 'same'), first, 'after a kill');
    await memory.remove('same');
    await admin.must(200, 'POST', '/admin/import', document);
    const imported = await contexts(memory, 'same');
    assert.deepEqual(
      imported.map((text) => (JSON.parse(text) as { provenance: object }).provenance),
      first.map((text) => (JSON.parse(text) as { provenance: object }).provenance),
    );
  } finally {
    api.close();
    await server.dispose();
  }
});
