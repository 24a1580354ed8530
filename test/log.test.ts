import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLog, type LogLevel } from '../src/log.js';

const SECRET = '5ec7e7'.repeat(10);
const TOKENS = ['sk', 'at', 'ad'].map((role) => `${role}_live_${SECRET}beef`);

function recorder(level: LogLevel = 'debug') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line) => lines.push(line) } }) };
}

function written(record: Record<string, unknown>): string {
  const { lines, log } = recorder();
  log.info({ event: 'test', ...record });
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, /^\{.*\}\n$/);
  return lines[0] as string;
}

function causedBy(cause: unknown): Error {
  const error = new Error(`outer ${TOKENS[0]}`, { cause });
  return Object.assign(error, { header: `Bearer ${TOKENS[1]}`, code: 'E_TEST' });
}

class Holder {
  readonly inner = { deep: { authorization: SECRET, note: TOKENS[2] } };
}

const places: readonly (readonly [where: string, record: Record<string, unknown>])[] = [
  ['in a text', { path: `/v1/state/${TOKENS[0]}?x=${TOKENS[1]}` }],
  ['in the event itself', { event: `got ${TOKENS[2]}` }],
  ['in upper case', { text: `AT_LIVE_${SECRET.toUpperCase()}` }],
  ['in the name of a member', { [TOKENS[0] as string]: 1 }],
  ['in an error, its members and its cause', { error: causedBy(new Error(TOKENS[2])) }],
  ['in an array in a map in a set', { all: new Set([new Map([['k', [TOKENS[1]]]])]) }],
  ['in an object of a class', { holder: new Holder() }],
  ['as a bare secret named token', { token: SECRET }],
  ['as a bare secret named agent_token', { agent_token: SECRET }],
  ['as a bare secret named apiKey', { apiKey: SECRET }],
  ['as a bare secret named x-api-key', { headers: { 'x-api-key': SECRET } }],
  ['as a bare secret named Authorization', { headers: { Authorization: `Bearer ${SECRET}` } }],
  ['as an object named hash', { token_hash: { phc: SECRET } }],
  ['as a password hash in a text', { text: `row $argon2id$v=19$m=8,t=1,p=1$${SECRET}$${SECRET} end` }],
  ['past the cut of a long text', { text: `${'x'.repeat(4090)}${TOKENS[0]}` }],
  ['as bytes', { bytes: Buffer.from(SECRET) }],
];

for (const [where, record] of places) {
  test(`a secret ${where} is never written (L1, L2)`, () => {
    const line = written(record).toLowerCase();
    assert.ok(!line.includes('5ec7e7'), line);
    assert.ok(!line.includes(Buffer.from(SECRET).toString('base64').slice(0, 8).toLowerCase()));
  });
}

test('a token put anywhere in any record is never written (L1, L2)', () => {
  const token = fc.constantFrom(...TOKENS);
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    token,
    fc.tuple(fc.string(), token).map(([a, b]) => a + b),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), token), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(fc.property(tree, (value) => assert.ok(!written({ value }).includes('5ec7e7'))));
});

test('numbers and yes or no are written whatever they are called', () => {
  const line = JSON.parse(written({ hash_threads: 2, token_known: true, hash: 7 })) as Record<string, unknown>;
  assert.deepEqual([line.hash_threads, line.token_known, line.hash], [2, true, 7]);
});

test('a line names its level, its time and what happened', () => {
  const { lines, log } = recorder();
  log.warn({ event: 'worker_lost', worker: 3 });
  const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
  assert.equal(line.level, 'warn');
  assert.equal(line.event, 'worker_lost');
  assert.equal(line.worker, 3);
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('an error is written with its name, message, stack and code', () => {
  const { error } = JSON.parse(written({ error: causedBy(undefined) })) as { error: Record<string, unknown> };
  assert.equal(error.name, 'Error');
  assert.equal(error.code, 'E_TEST');
  assert.match(String(error.message), /^outer /);
  assert.match(String(error.stack), /log\.test/);
});

test('what is below the level is not written', () => {
  const { lines, log } = recorder('warn');
  assert.equal(log.debugEnabled, false);
  log.debug({ event: 'a' });
  log.info({ event: 'b' });
  log.error({ event: 'c' });
  assert.equal(lines.length, 1);
});

test('a record without end is cut, not followed (L3)', () => {
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  const line = written({ ring, text: 'y'.repeat(100_000), many: Array.from({ length: 10_000 }, (_, i) => i) });
  assert.ok(line.length < 10_000);
});
