// Runs the third example while its server is killed and started again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Relay } from '../client/relay.js';
import { ServerProcess } from '../server/server-process.js';

const example = join(import.meta.dirname, '..', '..', 'examples', '03-live-session', 'main.js');
const TIMEOUT_MS = 120_000;

test('the third example gets every answer once, though its server is killed', { timeout: TIMEOUT_MS }, async () => {
  const server = await ServerProcess.start();
  const relay = await Relay.start(server.port);
  const child = spawn(process.execPath, [example], {
    env: { ...process.env, SERVER_URL: relay.url, QUESTIONS: '100', PAUSE_MS: '20' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  try {
    const exited = once(child, 'exit');
    const complained = text(child.stderr);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line !== '10 answers') continue;
      await server.kill();
      await server.startAgain();
      relay.port = server.port;
    }
    const [code] = (await exited) as [number | null];
    assert.deepEqual([code, await complained], [0, ''], lines.join('\n'));
    assert.ok(lines.some((line) => line.startsWith('waiting: ')));
    assert.equal(lines.at(-2), '100 questions, 100 answers, each once and in order');
    assert.equal(lines.at(-1), 'closed');
  } finally {
    child.kill('SIGKILL');
    relay.close();
    await server.dispose();
  }
});
