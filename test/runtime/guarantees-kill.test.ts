// G6 and G7 on a real process with real threads that is killed (kill -9): what was acknowledged is there, once, and nothing
// is half there. The long form, through the server, is test/crash/.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, describe, it } from 'node:test';
import { PROCESS_KEYS } from './guarantee-process.js';
import { type Added, GUARANTEE_KINDS, verifyBooks } from './guarantee-system.js';
import { directory, removeDirectories, start, stop, stopAll } from './library-system.js';

const program = join(import.meta.dirname, 'guarantee-process.js');
const ITEMS_PER_LIFE = 1_000_000;
const LIFE_MS_MAX = 30_000;

interface Life {
  readonly home: string;
  readonly number: number;
  /** It kills itself with this answer; 0: not by itself. */
  readonly answersMax?: number;
  /** It is killed when this is true of what it has said. */
  readonly isOver?: (lines: readonly string[]) => boolean;
}

/** One life of the process, to its end: what it said of what it was asked. */
async function live({ home, number, answersMax = 0, isOver = () => false }: Life): Promise<Added[]> {
  const words = [program, home, `${number * ITEMS_PER_LIFE}`, `${answersMax}`];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, LIFE_MS_MAX);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!child.killed && isOver(lines)) child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  clearTimeout(late);
  assert.ok(!isLate, `life ${number} did not come to its end: ${lines.at(-1)}`);
  assert.deepEqual([code, signal], [null, 'SIGKILL']);
  return lines.flatMap((line) => {
    const [, said, key, item, answer] = /^(added|refused) (\S+) (\d+) (\S+)$/.exec(line) ?? [];
    return said === undefined
      ? []
      : [{ key: key!, item: Number(item), answer: said === 'added' ? Number(answer) : answer! }];
  });
}

async function verify(home: string, added: readonly Added[]): Promise<void> {
  const system = await start({ directory: home, kinds: [GUARANTEE_KINDS] });
  await verifyBooks(system, PROCESS_KEYS, added);
  await stop(system);
}

describe('on a real process', { timeout: 120_000 }, () => {
  afterEach(stopAll);
  after(removeDirectories);

  it('what an answered ask has done is there, though the process is killed at that answer (G6)', async () => {
    const home = directory();
    const added: Added[] = [];
    for (const [number, answersMax] of [1, 2, 17, 400].entries()) {
      const life = await live({ home, number, answersMax });
      assert.equal(life.length, answersMax);
      added.push(...life);
    }
    await verify(home, added);
  });

  it('after kill -9 at any instant, all that was acknowledged is there, once, and nothing is half there; it starts by itself (G7)', async () => {
    const home = directory();
    const added: Added[] = [];
    const lives: readonly Life['isOver'][] = [
      (lines) => lines.length > 1_000,
      (lines) => lines.includes('ready'),
      (lines) => lines.includes('starting'),
      (lines) => lines.length > 30,
      (lines) => lines.some((line) => line.endsWith('WORKER_LOST')),
      (lines) => lines.some((line) => line.endsWith('SLOT_MOVING')) && lines.length > 2_000,
    ];
    for (const [number, isOver] of lives.entries()) added.push(...(await live({ home, number, isOver: isOver! })));
    assert.ok(added.length > 3_000, `only ${added.length} items were at stake`);
    await verify(home, added);
  });
});
