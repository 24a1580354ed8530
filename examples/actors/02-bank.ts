// Lesson 2, a durable bank: 10,000 accounts, transfers between them, handlers that fail now and then, and a process that
// is killed (kill -9) in the middle of it. Started again it finds all the money, to the last account.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TRANSFERS = Number(process.env.BANK_TRANSFERS ?? 10_000);
const teller = fileURLToPath(new URL('./02-bank-teller.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'troupe-bank-'));

function start(): ChildProcess {
  return spawn(process.execPath, [teller, directory, `${TRANSFERS}`], { stdio: ['ignore', 'pipe', 'inherit'] });
}

try {
  const first = start();
  const dead = once(first, 'exit');
  for await (const line of createInterface({ input: first.stdout! })) {
    const asked = /^asked (\d+)$/.exec(line)?.[1];
    if (asked !== undefined && Number(asked) >= TRANSFERS / 4 && first.kill('SIGKILL')) break;
  }
  await dead;
  console.log(`killed ${first.signalCode === 'SIGKILL' ? 'on the way' : 'when it had ended'}`);

  const second = start();
  const ended = once(second, 'exit');
  for await (const line of createInterface({ input: second.stdout! })) {
    if (!line.startsWith('asked ')) console.log(line);
  }
  const [code] = (await ended) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
