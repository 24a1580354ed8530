// The kinds on the runtime, while the tables are behind: what one of them did is seen by the others all the same.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agentKind } from '../../src/actors/agent/agent.js';
import { agentProtocol } from '../../src/actors/agent/protocol.js';
import { PURGE_ROWS } from '../../src/actors/agent/retirement.js';
import { operatorKind } from '../../src/actors/operator/operator.js';
import { AGENTS, OPERATORS, operatorProtocol } from '../../src/actors/operator/protocol.js';
import { partitionOf, STATE_BYTES, STATE_KEYS, stateProtocol } from '../../src/actors/state/protocol.js';
import { stateKind } from '../../src/actors/state/state.js';
import { anyKind } from '../../src/runtime/actor.js';
import type { Answer } from '../../src/runtime/ref.js';
import { LocalSystem } from '../runtime/local-system.js';
import { message, ROOMY, taking } from './agent/agent-fixture.js';
import { credential, operatorConfig } from './operator/operator-fixture.js';

/** Two operators that exist, in tables that follow only when they are told to. */
async function setUp() {
  const system = new LocalSystem({
    kinds: [
      anyKind(operatorKind(operatorConfig())),
      anyKind(agentKind({ inbox: ROOMY })),
      anyKind(stateKind({ capacityBytes: 1024 * 1024 })),
    ],
    counters: [OPERATORS, AGENTS, STATE_BYTES, STATE_KEYS],
    workers: 2,
  });
  for (const id of ['op-1', 'op-2']) {
    const create = { contactHash: id, credential: credential(id), sealed: null };
    await done(system, system.ask(operatorProtocol, id, 'create', create));
  }
  system.autoApply = false;
  return system;
}

/** The answer, once everything has come to rest. */
async function done<T>(system: LocalSystem, asked: Promise<Answer<T>>): Promise<T> {
  const answer = await settled(system, asked);
  assert.ok(answer.ok, `refused: ${JSON.stringify(answer)}`);
  return answer.value;
}

async function settled<T>(system: LocalSystem, asked: Promise<Answer<T>>): Promise<Answer<T>> {
  await system.run();
  return asked;
}

/** What is asked must wait for the tables; the answer when they have followed. */
async function afterTables<T>(system: LocalSystem, asked: Promise<Answer<T>>): Promise<Answer<T>> {
  let came = false;
  void asked.then(() => {
    came = true;
  });
  await system.run();
  assert.ok(system.progress.behind > 0 && !came, 'it was answered from tables that are behind');
  system.apply();
  return settled(system, asked);
}

async function registration(
  system: LocalSystem,
  operator: string,
  name: string,
): Promise<() => Promise<Answer<unknown>>> {
  const { challengeId } = await done(system, system.ask(operatorProtocol, operator, 'challenge', null));
  const args = { challengeId, response: '', address: `tab_${name}`, order: name };
  return () =>
    system.ask(operatorProtocol, operator, 'register', { ...args, credential: credential(name), sealed: null });
}

async function register(system: LocalSystem, operator: string, name: string): Promise<string> {
  const asked = await registration(system, operator, name);
  await done(system, asked());
  return `tab_${name}`;
}

const codeOf = (answer: Answer<unknown>) => (answer.ok ? 'ok' : answer.fault.code);

describe('while the tables are behind', () => {
  test('an address is given once, whichever operators ask for it', async () => {
    const system = await setUp();
    const second = await registration(system, 'op-2', 'a');
    system.apply();
    await register(system, 'op-1', 'a');
    assert.equal(codeOf(await afterTables(system, second())), 'CONFLICT');
    assert.equal(system.counters.committed(1), 1);
  });

  test('an address whose operator gave it already is refused at once', async () => {
    const system = await setUp();
    await register(system, 'op-1', 'a');
    const again = await registration(system, 'op-1', 'a');
    assert.equal(codeOf(await settled(system, again())), 'CONFLICT');
    assert.equal(system.settles, 0);
  });

  test('a message to an agent that was just registered arrives', async () => {
    const system = await setUp();
    const address = await register(system, 'op-1', 'a');
    assert.equal(codeOf(await afterTables(system, system.ask(agentProtocol, address, 'deliver', message('m1')))), 'ok');
  });

  test('an address that was tried before it was registered is looked up again (A4)', async () => {
    const system = await setUp();
    const refused = await settled(system, system.ask(agentProtocol, 'tab_late', 'deliver', message('m1')));
    assert.equal(codeOf(refused), 'NOT_FOUND');
    const address = await register(system, 'op-1', 'late');
    const idempotency = { scope: 's', key: 'k', fingerprint: 'f' };
    const deliver = () => system.ask(agentProtocol, address, 'deliver', message('m2'), { idempotency });
    assert.equal(codeOf(await afterTables(system, deliver())), 'ok');
    assert.deepEqual(await settled(system, deliver()), { ok: true, value: { messageId: 'm2', at: 1 }, replayed: true });
    const page = await done(system, system.ask(agentProtocol, address, 'take', taking()));
    assert.equal(page.messages.length, 1);
  });

  test('the registry lists who was just registered', async () => {
    const system = await setUp();
    const first = await register(system, 'op-1', 'a');
    system.apply();
    await done(system, system.ask(agentProtocol, first, 'profile', null));
    const second = await register(system, 'op-2', 'b');
    const listed = await afterTables(
      system,
      system.ask(agentProtocol, first, 'listRegistry', { after: null, limit: 9 }),
    );
    assert.deepEqual(listed.ok && listed.value.agents.map(({ address }) => address), [first, second]);
  });

  test('an operator does not list an agent that has retired, nor forget one that it has just registered', async () => {
    const system = await setUp();
    const retired = await register(system, 'op-1', 'a');
    const kept = await register(system, 'op-1', 'b');
    const retire = system.ask(agentProtocol, retired, 'retire', { operatorId: 'op-1' });
    await afterTables(system, retire);
    const listed = await afterTables(
      system,
      system.ask(operatorProtocol, 'op-1', 'listAgents', { after: null, limit: 9 }),
    );
    assert.deepEqual(listed.ok && [listed.value.agents.map(({ address }) => address), listed.value.total], [[kept], 1]);
  });

  test('the keys of the shared state are listed across its partitions', async () => {
    const system = await setUp();
    const keys = ['a', 'b', 'c', 'd'];
    assert.ok(new Set(keys.map(partitionOf)).size > 1);
    for (const key of keys) {
      const args = { key, value: 'v', by: 'tab_a', condition: null };
      await done(system, system.ask(stateProtocol, partitionOf(key), 'put', args));
    }
    const read = await done(system, system.ask(stateProtocol, partitionOf('a'), 'get', { key: 'a' }));
    assert.equal(read.value, 'v');
    const list = { prefix: '', after: null, limit: 9 };
    const listed = await afterTables(system, system.ask(stateProtocol, partitionOf('a'), 'list', list));
    assert.deepEqual(listed, { ok: true, value: { keys, next: null, total: 4 }, replayed: false });
  });

  test('an inbox is whole after a commit that failed', async () => {
    const system = await setUp();
    const address = await register(system, 'op-1', 'a');
    system.apply();
    for (const id of ['m1', 'm2', 'm3']) {
      await done(system, system.ask(agentProtocol, address, 'deliver', message(id)));
    }
    const first = await done(system, system.ask(agentProtocol, address, 'take', taking({ limit: 1 })));
    system.log.failuresLeft = 1;
    const failed = await settled(system, system.ask(agentProtocol, address, 'take', taking({ limit: 1 })));
    assert.equal(codeOf(failed), 'COMMIT_FAILED');
    assert.equal(system.inTables(['inbox_head', address]), undefined);
    const rest = await done(system, system.ask(agentProtocol, address, 'take', taking()));
    assert.deepEqual(
      [...first.messages, ...rest.messages].map(({ messageId }) => messageId),
      ['m1', 'm2', 'm3'],
    );
  });

  test('a retired inbox is emptied, row by row once (R3)', async () => {
    const system = await setUp();
    const address = await register(system, 'op-1', 'a');
    system.apply();
    const messages = PURGE_ROWS * 2 + 3;
    for (let i = 0; i < messages; i++) system.tell(agentProtocol, address, 'deliver', message(`m${i}`, 'x'));
    await system.run();
    const { turns } = system.ownerOf('agent', address).shard.stats;
    await done(system, system.ask(agentProtocol, address, 'retire', { operatorId: 'op-1' }));
    await system.run();
    assert.equal(system.ownerOf('agent', address).shard.stats.turns - turns, 1 + 3);
    const keys = Array.from({ length: messages }, (_, i) => i + 1);
    assert.ok(keys.every((seq) => system.stored(['inbox', address, seq]) === undefined));
    system.apply();
    assert.ok(keys.every((seq) => system.inTables(['inbox', address, seq]) === undefined));
  });
});
