// Runs the lessons as their reader does, and holds them to what they say that they show.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

const lessons = join(import.meta.dirname, '..', '..', '..', 'examples', 'actors');
const LESSON_TIMEOUT_MS = 60_000;
const BANK_TIMEOUT_MS = 180_000;

/** The lines that a lesson prints. Fails when it fails, writes to stderr, or does not end in time. */
async function run(name: string, timeoutMs = LESSON_TIMEOUT_MS, env: Record<string, string> = {}): Promise<string[]> {
  const child = spawn(process.execPath, [join(lessons, `${name}.js`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const [said, complained, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  assert.equal(complained, '');
  assert.deepEqual([code, signal], [0, null], `${name} said:\n${said}`);
  return said.trimEnd().split('\n');
}

describe('the lessons', { concurrency: false }, () => {
  it('1 counts what is told and asked, refuses what is too much, and keeps counters apart', async () => {
    assert.deepEqual(await run('01-counter'), [
      'visits: 500',
      'after two asks at once: 510, 610',
      'refused: CONFLICT, The request conflicts with what is there: there are only 610.',
      'another counter: 0',
    ]);
  });

  it('2 keeps all the money of 10,000 accounts, though turns fail and the process is killed', async () => {
    const lines = await run('02-bank', BANK_TIMEOUT_MS, { BANK_TRANSFERS: '8000' });
    assert.equal(lines[0], 'killed on the way');
    assert.match(lines[1]!, /^found \d+ transfers under way$/);
    assert.deepEqual(lines.slice(2), [
      'money in all accounts: 10000000',
      'accounts with another balance than they should have: 0',
    ]);
  });

  it('3 streams primes, ends the generator when its reader leaves, and gives the reason of an abort', async () => {
    assert.deepEqual(await run('03-stream'), [
      'five found: 1000003 1000033 1000037 1000039 1000081; still searching: true',
      'the generator was ended; it was less than 65 items ahead: true',
      'aborted: time is up',
    ]);
  });

  it('4 sets a failing actor aside, skips what it fails at, and says the dead letter again', async () => {
    assert.deepEqual(await run('04-failing'), [
      "set aside: reader/a failed at 'read': TypeError: what is xml?",
      'an ask is answered: QUARANTINED',
      'skipped; it has read: first',
      'dead letter: read {"name":"second","format":"xml"}, because INTERNAL',
      'replayed; it has read: first, second',
    ]);
  });

  it('5 ends an idle session, tells who watches it, and rings an alarm over a restart', async () => {
    assert.deepEqual(await run('05-time'), [
      'said 2 things',
      'the session ended: stopped',
      'the host was told: session/talk stopped',
      'said 1 thing in a new life',
      'the alarm rang in the next process',
    ]);
  });
});
