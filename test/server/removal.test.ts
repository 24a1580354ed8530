// What an admin removes, looked for behind every door of a server, before and after each end of it.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { REDACTED } from '../../src/redaction.js';
import { EventWatcher } from './event-watcher.js';
import { RFC_3339_UTC, refusalOf, UUID, until } from './expectations.js';
import { onBothListeners, onServersOfTheirOwn } from './on-both-listeners.js';
import {
  allEvents,
  assertNowhere,
  closedDoors,
  type House,
  openDoors,
  type Record,
  removing,
} from './removal-doors.js';
import { SessionClient } from './session-client.js';
import type { Agent, TroupeApi } from './troupe-api.js';
import { runTroupe } from './troupe-command.js';

const settings = { 'observe.requests_per_min': 0 };
const check = onBothListeners(settings);
const own = onServersOfTheirOwn(settings);
const hidden = onServersOfTheirOwn({ 'observe.access': 'off' });

/** ASCII, so that it is the same bytes in JSON, in the tables and in the journal. */
const secret = (): string => `secret-${randomBytes(12).toString('hex')}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function twoAgents(api: TroupeApi): Promise<[Agent, Agent]> {
  const operator = await api.operator();
  return [await api.agent(operator), await api.agent(operator)];
}

own(
  'is nowhere any more, byte by byte: not in an answer, an export, a backup, or the journal',
  async ({ api, server }) => {
    const admin = await server.adminToken();
    const [ann, bob] = await twoAgents(api);
    const contents = {
      waiting: secret(),
      taken: secret(),
      leased: secret(),
      old: secret(),
      now: secret(),
      gone: secret(),
    };
    const taken = await api.message(ann, bob, contents.taken);
    await api.take(bob, 'limit=1');
    const leased = await api.message(ann, bob, contents.leased);
    await api.take(bob, 'limit=1&mode=lease&lease_s=1');
    const waiting = await api.message(ann, bob, contents.waiting);
    for (const value of [contents.old, contents.now]) await api.put(ann, 'kept/ä', value);
    await api.put(ann, 'deleted', contents.gone);
    await api.must(200, { method: 'DELETE', path: '/v1/state/deleted', as: ann.agent_token });
    await api.put(ann, 'other', 'untouched');
    const house: House = { server, api, admin, reader: bob, held: 2, keys: ['kept/ä', 'deleted', 'other'] };
    const before = await openDoors(house);
    for (const content of [contents.waiting, contents.now]) {
      assert.ok(
        [...before.values()].filter((text) => text.includes(content)).length >= 4,
        'the doors show what is there',
      );
    }

    const reason = 'asked for by whom it names';
    const records: Record[] = [];
    for (const id of [taken, leased, waiting]) records.push(await removing(api, admin, { message_id: id, reason }));
    for (const key of ['kept/ä', 'deleted']) records.push(await removing(api, admin, { key, reason }));
    const all = Object.values(contents);
    const { taken: t, leased: l, waiting: w, now, gone } = contents;
    assert.deepEqual(
      records.map(({ content_hash }) => content_hash),
      [t, l, w, now, gone].map(sha256),
    );

    const look = async (moment: string): Promise<void> => {
      assertNowhere(await openDoors(house), all);
      assertNowhere(await closedDoors(server.dataDirectory, join(server.home, `backup-${moment}`)), all);
      const value = await api.must<{ value: string; redacted: true }>(200, {
        path: '/v1/state/kept%2F%C3%A4',
        as: bob.agent_token,
      });
      assert.deepEqual([value.value, value.redacted], [REDACTED, true]);
      const page = await api.must<{ removals: Record[]; total: number; next_cursor: null }>(200, {
        path: '/observe/transparency',
      });
      assert.deepEqual(page, { removals: records, total: 5, next_cursor: null });
      const events = await allEvents(api, 'type=message_sent,state_written');
      const redacted = events.filter(({ data }) => data.redacted === true);
      assert.deepEqual(
        redacted.map(({ data }) => data.content ?? data.value),
        Array(6).fill(REDACTED),
      );
      assert.equal(events.length, 7);
      assert.equal((await allEvents(api, 'type=content_removed')).length, 5);
    };
    await look('live');
    await server.kill();
    assertNowhere(await closedDoors(server.dataDirectory, join(server.home, 'backup-killed')), all);
    await server.startAgain();
    await look('after-kill');
    await server.stop();
    assertNowhere(await closedDoors(server.dataDirectory, join(server.home, 'backup-stopped')), all);
    await server.startAgain();
    await look('after-stop');
  },
);

check('is answered with its record, which everybody may read, and tells one event', async ({ api, server }) => {
  const admin = await server.adminToken();
  const [ann, bob] = await twoAgents(api);
  const id = await api.message(ann, bob, 'a phone number');
  const record = await removing(api, admin, { message_id: id, reason: 'it names somebody' });
  assert.match(record.removal_id, UUID);
  assert.match(record.ts, RFC_3339_UTC);
  const { removal_id, ts: _, ...rest } = record;
  assert.deepEqual(rest, {
    action: 'remove_message',
    message_id: id,
    reason: 'it names somebody',
    performed_by: 'admin',
    content_hash: sha256('a phone number'),
  });
  const events = await allEvents(api);
  const removed = events.filter(({ type, data }) => type === 'content_removed' && data.message_id === id);
  assert.deepEqual(
    removed.map(({ agent, data }) => ({ agent, data })),
    [
      {
        agent: null,
        data: {
          removal_id,
          message_id: id,
          reason: 'it names somebody',
          content_hash: sha256('a phone number'),
          performed_by: 'admin',
        },
      },
    ],
  );
  const sent = events.find(({ type, data }) => type === 'message_sent' && data.message_id === id);
  const [from, to] = [ann.agent_address, bob.agent_address];
  assert.deepEqual(sent?.data, { message_id: id, from, to, content: REDACTED, content_length: 14, redacted: true });
  const { messages } = await api.take(bob);
  assert.deepEqual(
    messages.map(({ message_id, content }) => [message_id, content]),
    [[id, REDACTED]],
  );
  assert.equal((messages[0] as unknown as { redacted: true }).redacted, true);
});

check('once more answers the first record, and makes no second event', async ({ api, server }) => {
  const admin = await server.adminToken();
  const [ann, bob] = await twoAgents(api);
  const id = await api.message(ann, bob, 'twice');
  await api.put(ann, 'twice', 'twice');
  for (const target of [{ message_id: id }, { key: 'twice' }]) {
    const asked = [1, 2, 3, 4].map((time) => removing(api, admin, { ...target, reason: `time ${time}` }));
    const records = [...(await Promise.all(asked)), await removing(api, admin, { ...target, reason: 'later' })];
    for (const record of records) assert.deepEqual(record, records[0]);
    const events = await allEvents(api, 'type=content_removed');
    assert.equal(events.filter(({ data }) => data.removal_id === records[0]!.removal_id).length, 1);
  }
  await api.must(200, { method: 'DELETE', path: '/v1/state/twice', as: ann.agent_token });
  const { total } = await api.must<{ total: number }>(200, { path: '/observe/transparency' });
  await removing(api, admin, { key: 'twice', reason: 'deleted, and nothing new' });
  assert.equal((await api.must<{ total: number }>(200, { path: '/observe/transparency' })).total, total);
});

check(
  'of a key leaves the key writable: a later value is a value like any other, until it is removed too',
  async ({ api, server }) => {
    const admin = await server.adminToken();
    const [ann, bob] = await twoAgents(api);
    const size = async () => (await api.capacity(ann)).used_bytes;
    const empty = await size();
    const etag = String((await api.put(ann, 'again', 'first')).headers.etag);
    await removing(api, admin, { key: 'again', reason: 'no' });
    assert.equal((await size()) - empty, 'again'.length);
    assert.equal((await api.put(ann, 'again', 'stale', { 'if-match': etag })).status, 409);
    const redacted = await api.get(bob, 'again');
    const current = String(redacted.headers.etag);
    assert.equal((await api.put(ann, 'again', 'second', { 'if-match': current })).status, 200);
    const value = JSON.parse((await api.get(bob, 'again')).text) as { value: string; redacted?: true };
    assert.deepEqual([value.value, value.redacted], ['second', undefined]);
    assert.equal((await size()) - empty, 'again'.length + 'second'.length);
    const written = async () =>
      (await allEvents(api, 'type=state_written'))
        .filter(({ data }) => data.key === 'again')
        .map(({ data }) => data.value);
    assert.deepEqual(await written(), [REDACTED, 'second']);
    await api.must(200, { method: 'DELETE', path: '/v1/state/again', as: ann.agent_token });
    const record = await removing(api, admin, { key: 'again', reason: 'that too' });
    assert.equal(record.content_hash, sha256('second'));
    assert.deepEqual(await written(), [REDACTED, REDACTED]);
    assert.equal(await size(), empty);
  },
);

check(
  'is not shown by streams that were there before, nor by a session that has not read it yet',
  async ({ api, server }) => {
    const admin = await server.adminToken();
    const [ann, bob] = await twoAgents(api);
    const watcher = await EventWatcher.open(server.port, { query: 'type=message_sent,content_removed' });
    const session = await SessionClient.live(server.port, bob, { window: 1 });
    const first = await api.message(ann, bob, 'shown');
    const content = secret();
    const id = await api.message(ann, bob, content);
    await session.messages(1);
    await removing(api, admin, { message_id: id, reason: 'not yet pushed' });
    session.send({ type: 'ack', seq: 1 });
    const [pushed] = await session.messages(1);
    assert.deepEqual([pushed?.message_id, pushed?.content, pushed?.redacted], [id, REDACTED, true]);
    const last = (await allEvents(api)).at(-1)!;
    await until('the removal is seen', () =>
      watcher.events.some(({ data }) => data.message_id === id && 'content_hash' in data),
    );
    const later = await EventWatcher.open(server.port, { query: `since=0&type=message_sent` });
    await until('the past is seen', () => later.events.some(({ data }) => data.message_id === id));
    assert.ok(last.seq > 0);
    assert.ok(!JSON.stringify(later.events).includes(content));
    assert.ok(JSON.stringify(later.events).includes(first));
    await watcher.close();
    await later.close();
    session.socket.close();
    await session.closed;
  },
);

check('of nothing is refused, and so is what is no request for one', async ({ api, server }) => {
  const admin = await server.adminToken();
  const agent = await api.agent();
  const post = (body: unknown, as: string | undefined = admin) =>
    api.send({ method: 'POST', path: '/admin/removals', body, ...(as === undefined ? {} : { as }) });
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  refusalOf(await post({ message_id: unknown, reason: 'r' }), 404, 'not_found');
  refusalOf(await post({ key: 'never written', reason: 'r' }), 404, 'not_found');
  for (const body of [
    {},
    [],
    { reason: 'r' },
    { key: 'k' },
    { key: 'k', message_id: unknown, reason: 'r' },
    { key: 'k', reason: '' },
    { key: 'k', reason: 7 },
    { key: '', reason: 'r' },
    { key: 'k'.repeat(1025), reason: 'r' },
    { key: 'a\0b', reason: 'r' },
    { key: '_capacity', reason: 'r' },
    { message_id: 'no id', reason: 'r' },
    { message_id: unknown.toUpperCase(), reason: 'r' },
    { message_id: '\ud800', reason: 'r' },
    { key: 'k', reason: '\ud800' },
  ]) {
    refusalOf(await post(body), 400, 'bad_request');
  }
  refusalOf(await post({ key: 'k', reason: 'r'.repeat(1025) }), 413, 'value_too_large');
  refusalOf(
    await api.send({ method: 'POST', path: '/admin/removals', body: { key: 'k', reason: 'r' } }),
    401,
    'unauthorized',
  );
  refusalOf(await post({ key: 'k', reason: 'r' }, agent.agent_token), 401, 'unauthorized');
});

hidden('can be asked for where nobody may observe', async ({ api, server }) => {
  const admin = await server.adminToken();
  const [ann, bob] = await twoAgents(api);
  const id = await api.message(ann, bob, 'hidden');
  await removing(api, admin, { message_id: id, reason: 'r' });
  assert.equal((await api.take(bob)).messages[0]?.content, REDACTED);
  refusalOf(await api.send({ path: '/observe/transparency', as: admin }), 404, 'not_found');
});

check('is listed page by page, the oldest first', async ({ api, server }) => {
  const admin = await server.adminToken();
  const agent = await api.agent();
  for (let i = 0; i < 5; i++) {
    await api.put(agent, `listed-${i}`, 'x');
    await removing(api, admin, { key: `listed-${i}`, reason: `${i}` });
  }
  type Page = { removals: Record[]; total: number; next_cursor: string | null };
  const whole = await api.must<Page>(200, { path: '/observe/transparency?limit=1000' });
  assert.equal(whole.removals.length, whole.total);
  const paged: Record[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await api.must(200, { path: `/observe/transparency?limit=2&cursor=${cursor}` });
    assert.equal(page.total, whole.total);
    assert.ok(page.removals.length <= 2);
    paged.push(...page.removals);
    cursor = page.next_cursor;
  }
  assert.deepEqual(paged, whole.removals);
  refusalOf(await api.send({ path: '/observe/transparency?cursor=%21' }), 400, 'bad_request');
});

check('can be asked for on the command line', async ({ api, server }) => {
  const admin = await server.adminToken();
  const [ann, bob] = await twoAgents(api);
  const id = await api.message(ann, bob, 'by hand');
  await api.put(ann, 'by hand', 'by hand');
  const at = ['--url', server.url, '--token', admin];
  for (const [words, name] of [
    [['message', '--id', id], 'message_id'],
    [['state', '--key', 'by hand'], 'key'],
  ] as const) {
    const { code, stdout, stderr } = await runTroupe(['remove', ...words, '--reason', 'asked', ...at]);
    assert.deepEqual([code, stderr], [0, '']);
    const record = JSON.parse(stdout) as Record;
    assert.deepEqual([record[name], record.content_hash], [name === 'key' ? 'by hand' : id, sha256('by hand')]);
  }
  const failed = await runTroupe(['remove', 'state', '--key', 'absent', '--reason', 'r', ...at]);
  assert.deepEqual([failed.code, failed.stdout], [1, '']);
  assert.match(failed.stderr, /404.*no such key/);
  for (const words of [
    [],
    ['nothing'],
    ['state', '--reason', 'r'],
    ['state', '--key', 'k'],
    ['state', '--id', 'k', '--reason', 'r'],
  ]) {
    assert.equal((await runTroupe(['remove', ...words, ...at])).code, 2, words.join(' '));
  }
});
