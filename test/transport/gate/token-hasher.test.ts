import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { after, describe, it } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { createJobPool } from '../../../src/runtime/threads/job-pool.js';
import { mintToken } from '../../../src/transport/gate/token.js';
import type { HashJob, HashResult } from '../../../src/transport/gate/token-hash.js';
import { createTokenHasher, tokenHashUrl } from '../../../src/transport/gate/token-hasher.js';

/** Of /proc/PID/stat, after the program's name; proc(5) counts from 1 and with the first two. */
const NICE_FIELD = 16;
const HASH_NICE = 10;

const params = { memoryKib: 64, passes: 2, lanes: 1 };

function hashPool(threads: number, queueMax: number) {
  const options = { what: 'the hash queue', workerUrl: tokenHashUrl, threads, queueMax, onDefect() {} };
  return createJobPool<HashJob, HashResult>(options);
}

describe('the token hasher', () => {
  const pool = hashPool(1, 16);
  const hasher = createTokenHasher(pool, params);
  after(() => pool.close());

  it('gives an Argon2id hash that names its parameters and has a salt of its own', async () => {
    const { token } = mintToken('agent');
    const [one, two] = await Promise.all([hasher.hashToken(token), hasher.hashToken(token)]);
    assert.match(one, /^\$argon2id\$v=19\$m=64,t=2,p=1\$/);
    assert.notEqual(one, two);
    assert.ok(!one.includes(token));
  });

  it('verifies the token that was hashed and no other', async () => {
    const { token } = mintToken('agent');
    const phc = await hasher.hashToken(token);
    assert.equal(await hasher.verifyToken(token, phc), true);
    assert.equal(await hasher.verifyToken(mintToken('agent').token, phc), false);
    const last = token.endsWith('0') ? '1' : '0';
    assert.equal(await hasher.verifyToken(token.slice(0, -1) + last, phc), false);
  });

  it('verifies what was hashed with other parameters', async () => {
    const { token } = mintToken('operator');
    const phc = await createTokenHasher(pool, { memoryKib: 128, passes: 1, lanes: 2 }).hashToken(token);
    assert.match(phc, /m=128,t=1,p=2/);
    assert.equal(await hasher.verifyToken(token, phc), true);
  });

  it('rejects a stored hash that is none, without telling the token', async () => {
    const { token } = mintToken('agent');
    await assert.rejects(hasher.verifyToken(token, 'plain'), (error) => {
      assert.ok(error instanceof Error);
      assert.ok(!`${error.message}${error.stack}`.includes(token));
      return true;
    });
  });

  it('hashes in a thread that gives way to all others', { skip: process.platform !== 'linux' }, async () => {
    await hasher.hashToken(mintToken('agent').token);
    const nice = readdirSync('/proc/self/task').map((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[NICE_FIELD]);
    });
    // A thread inherits the priority that this process was started with.
    const usual = getPriority();
    const expected = Math.max(usual, HASH_NICE);
    assert.ok(nice.includes(expected), `the threads have the priorities ${nice}`);
  });

  it('refuses with OVERLOADED when the queue of the pool is full', async () => {
    const small = hashPool(1, 1);
    const slow = createTokenHasher(small, { memoryKib: 8192, passes: 2, lanes: 1 });
    const { token } = mintToken('agent');
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => slow.hashToken(token)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
    await small.close();
    assert.equal(refused.length, 3);
    for (const error of refused) assert.ok(error instanceof CodedError && error.code === 'OVERLOADED');
  });
});
