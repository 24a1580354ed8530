import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';

const built = join(import.meta.dirname, '..', '..');

test('the fifth example tells a memory what was said, and gets what a task needs of it', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'troupe-example-'));
  const mainFile = join(built, 'src', 'cli', 'main.js');
  const server = new ServerProcess({ mainFile, dataDirectory, settings: {} });
  try {
    await server.start();
    const env = { ...process.env, SERVER_URL: server.url };
    const example = join(built, 'examples', '05-memory.js');
    const { stdout } = await promisify(execFile)(process.execPath, [example], { env });
    assert.match(stdout, /^## Task\nOrder dinner for the flight\.$/m);
    assert.match(stdout, /allergic to peanuts/);
  } finally {
    await server.dispose();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
