import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';

const built = join(import.meta.dirname, '..', '..');

test('the first example runs against a server and prints the message that arrived', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'troupe-example-'));
  const mainFile = join(built, 'src', 'cli', 'main.js');
  const server = new ServerProcess({ mainFile, dataDirectory, settings: { 'verification.gate': 'none' } });
  try {
    await server.start();
    const env = { ...process.env, SERVER_URL: server.url };
    const example = join(built, 'examples', '01-two-agents.js');
    const { stdout } = await promisify(execFile)(process.execPath, [example], { env });
    assert.match(stdout, /Hello, Bob\./);
    assert.match(stdout, /remaining: 0/);
  } finally {
    await server.dispose();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
