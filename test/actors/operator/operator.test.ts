import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { operatorKind } from '../../../src/actors/operator/operator.js';
import { AGENTS, OPERATORS } from '../../../src/actors/operator/protocol.js';
import { CHALLENGES_MAX } from '../../../src/actors/operator/state.js';
import { type Pipeline, runPipeline } from '../../../src/contract/challenge.js';
import { World } from '../turn-double.js';
import { credential, EXPIRY_MS, newOperator, operatorConfig, register } from './operator-fixture.js';

const birth = { address: 'tab_a', order: 'a', credential: credential('a'), sealed: null };

describe('creating an operator', () => {
  test('writes its record, its token and one event, and gives the sealed answer back (O5)', () => {
    const world = new World();
    const operator = world.actor(operatorKind(operatorConfig()), 'op-1');
    const sealed = Uint8Array.of(1, 2, 3);
    assert.deepEqual(operator.answer('create', { contactHash: 'c', credential: credential('op'), sealed }), { sealed });
    assert.deepEqual(world.row(['operator', 'op-1']), {
      contactHash: 'c',
      createdAt: world.now,
      lookupId: 'lookup-op',
    });
    assert.deepEqual(world.row(['token', 'lookup-op']), { role: 'operator', id: 'op-1', hash: 'hash-op' });
    assert.equal(world.counter(OPERATORS), 1);
    assert.deepEqual(world.events, [
      { type: 'operator_created', agent: null, data: { operator_id: 'op-1', contact_hash: 'c' } },
    ]);
  });

  test('refuses to create the same operator twice', () => {
    const { world, operator } = newOperator();
    assert.equal(
      operator.refusal('create', { contactHash: 'd', credential: credential('x'), sealed: null }),
      'CONFLICT',
    );
    assert.equal(world.counter(OPERATORS), 1);
    assert.equal(world.events.length, 1);
  });

  test('refuses everything to a key that was never created, and writes nothing (O4)', () => {
    const world = new World();
    const operator = world.actor(operatorKind(operatorConfig()), 'nobody');
    const response = { challengeId: 'x', response: '' };
    assert.equal(operator.refusal('challenge', null), 'UNAUTHORIZED');
    assert.equal(operator.refusal('tryResponse', response), 'UNAUTHORIZED');
    assert.equal(operator.refusal('register', { ...response, ...birth }), 'UNAUTHORIZED');
    assert.equal(operator.refusal('listAgents', { after: null, limit: 1 }), 'UNAUTHORIZED');
    assert.deepEqual(world.range({ under: ['challenge'], limit: 10 }), []);
  });
});

describe('the challenge', () => {
  test('lets a right response pass without spending it, then registers once (O1, O2)', () => {
    const { world, operator } = newOperator(new World(), 'pipeline');
    const { challengeId, data, expiresAt } = operator.answer('challenge', null);
    assert.equal(expiresAt, world.now + EXPIRY_MS);
    const right = { challengeId, response: runPipeline(data as unknown as Pipeline) };
    assert.equal(operator.answer('tryResponse', right), null);
    assert.equal(operator.answer('tryResponse', right), null);
    assert.equal(operator.answer('register', { ...right, ...birth }).address, 'tab_a');
    assert.equal(
      operator.refusal('register', { ...right, ...birth, address: 'tab_b', order: 'b' }),
      'VERIFICATION_FAILED',
    );
    assert.equal(world.counter(AGENTS), 1);
  });

  test('never shows the answer to a pipeline', () => {
    const { world, operator } = newOperator(new World(), 'pipeline');
    const challenge = operator.answer('challenge', null);
    const expected = (world.row(['challenge', 'op-1', challenge.challengeId]) as { expected: string }).expected;
    assert.ok(!JSON.stringify(challenge).includes(JSON.stringify(expected)));
    assert.deepEqual(Object.keys(challenge.data), ['seed', 'operations']);
  });

  for (const message of ['tryResponse', 'register'] as const) {
    test(`is spent by a wrong response to ${message} (O2)`, () => {
      const { world, operator } = newOperator(new World(), 'pipeline');
      const { challengeId, data } = operator.answer('challenge', null);
      const right = { challengeId, response: runPipeline(data as unknown as Pipeline) };
      const wrong = { challengeId, response: `${right.response} ` };
      assert.equal(operator.refusal(message, { ...birth, ...wrong }), 'VERIFICATION_FAILED');
      assert.equal(operator.refusal('register', { ...birth, ...right }), 'VERIFICATION_FAILED');
      assert.deepEqual(world.table('challenge'), []);
      assert.deepEqual(world.table('agent'), []);
    });
  }

  test('passes until its expiry and not after, when it is deleted on sight', () => {
    const { world, operator } = newOperator();
    const first = operator.answer('challenge', null).challengeId;
    world.advance(EXPIRY_MS - 1);
    assert.equal(operator.answer('tryResponse', { challengeId: first, response: '' }), null);
    world.advance(1);
    assert.equal(operator.refusal('tryResponse', { challengeId: first, response: '' }), 'VERIFICATION_FAILED');
    assert.deepEqual(world.table('challenge'), []);

    operator.answer('challenge', null);
    world.advance(EXPIRY_MS);
    const { challengeId } = operator.answer('challenge', null);
    assert.deepEqual(
      world.table('challenge').map(({ key }) => key[2]),
      [challengeId],
    );
  });

  test('gives way when it is the oldest of too many (O3)', () => {
    const { world, operator } = newOperator();
    const ids = Array.from({ length: CHALLENGES_MAX + 2 }, () => operator.answer('challenge', null).challengeId);
    assert.equal(world.table('challenge').length, CHALLENGES_MAX);
    for (const dropped of ids.slice(0, 2)) {
      assert.equal(operator.refusal('tryResponse', { challengeId: dropped, response: '' }), 'VERIFICATION_FAILED');
    }
    for (const kept of ids.slice(2)) operator.answer('tryResponse', { challengeId: kept, response: '' });
  });

  test('outlives the process, spent or open (O1)', () => {
    const { world, operator } = newOperator();
    const [spent, open] = [operator.answer('challenge', null), operator.answer('challenge', null)];
    operator.answer('register', { challengeId: spent.challengeId, response: '', ...birth });
    world.kill();
    const other = { ...birth, address: 'tab_b', order: 'b' };
    assert.equal(
      operator.refusal('register', { challengeId: spent.challengeId, response: '', ...other }),
      'VERIFICATION_FAILED',
    );
    operator.answer('register', { challengeId: open.challengeId, response: '', ...other });
  });

  test('belongs to the operator that asked', () => {
    const { world, operator } = newOperator();
    const { operator: other } = newOperator(world, 'none', 'op-2');
    const { challengeId } = operator.answer('challenge', null);
    assert.equal(other.refusal('tryResponse', { challengeId, response: '' }), 'VERIFICATION_FAILED');
    operator.answer('tryResponse', { challengeId, response: '' });
  });
});

describe('registering an agent', () => {
  test('writes all its first rows, the counter and one event in one commit (O5)', () => {
    const { world, operator } = newOperator();
    const { challengeId } = operator.answer('challenge', null);
    world.holdCommits();
    operator.answer('register', { challengeId, response: '', ...birth });
    assert.deepEqual(world.table('agent'), [], 'nothing is there before the commit');
    world.commitHeld();
    const entry = { address: 'tab_a', registeredAt: world.now };
    assert.deepEqual(world.row(['agent', 'tab_a']), {
      operatorId: 'op-1',
      order: 'a',
      registeredAt: world.now,
      lookupId: 'lookup-a',
      retiredAt: null,
    });
    assert.deepEqual(world.row(['owned', 'op-1', 'a']), entry);
    assert.deepEqual(world.row(['registry', 'a']), entry);
    assert.deepEqual(world.row(['token', 'lookup-a']), { role: 'agent', id: 'tab_a', hash: 'hash-a' });
    assert.equal(world.counter(AGENTS), 1);
    assert.deepEqual(world.events.slice(1), [
      {
        type: 'agent_registered',
        agent: 'tab_a',
        data: { address: 'tab_a', operator_id: 'op-1', has_webhook: false },
      },
    ]);
  });

  test('refuses an address that is taken, and keeps the challenge open', () => {
    const { operator } = newOperator();
    register(operator, 'a');
    const { challengeId } = operator.answer('challenge', null);
    assert.equal(operator.refusal('register', { challengeId, response: '', ...birth }), 'CONFLICT');
    operator.answer('register', { challengeId, response: '', ...birth, address: 'tab_b', order: 'b' });
  });
});

describe('listing agents', () => {
  test('pages through its own agents only, oldest first', () => {
    const { world, operator } = newOperator();
    const { operator: other } = newOperator(world, 'none', 'op-2');
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) {
      register(operator, name);
      register(other, `other-${name}`);
    }
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: ReturnType<typeof list> = list(after);
      assert.ok(page.agents.length <= 2);
      assert.equal(page.total, 5);
      seen.push(...page.agents.map(({ address }) => address));
      after = page.next;
    } while (after !== null);
    assert.deepEqual(
      seen,
      names.map((name) => `tab_${name}`),
    );

    function list(from: string | null) {
      return operator.answer('listAgents', { after: from, limit: 2 });
    }
  });

  test('ends without a cursor when the last page is exactly full', () => {
    const { operator } = newOperator();
    register(operator, 'a');
    assert.equal(operator.answer('listAgents', { after: null, limit: 1 }).next, null);
  });
});
