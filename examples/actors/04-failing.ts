// Lesson 4, an actor that fails: it is set aside, looked at, and brought back by hand; nothing that it was told is lost.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, createLog, createSystem } from 'troupe';
import { reader } from './04-failing-kinds.js';

const LOOK_AGAIN_MS = 10;
const directory = mkdtempSync(join(tmpdir(), 'troupe-failing-'));
const kinds = [new URL('./04-failing-kinds.js', import.meta.url)];
const system = await createSystem({ kinds, directory, log: createLog({ level: 'error' }) });
const a = system.ref(reader, 'a');

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

try {
  await a.ask('read', { name: 'first', format: 'csv' });
  a.tell('read', { name: 'second', format: 'xml' });

  // It fails, begins anew from its stored state, fails again at the same message, and is set aside.
  const entry = await until(() => system.quarantined.inspect('reader/a'));
  console.log(`set aside: ${entry.address} failed at '${entry.message}': ${entry.error.split('\n')[0]}`);

  // Who asks is told so at once. Who tells need not know: what was told before it was set aside waits.
  await a.ask('look').catch((error: unknown) => {
    console.log(`an ask is answered: ${error instanceof CodedError ? error.code : error}`);
  });

  // By hand: back to work, without what it fails at, which becomes a dead letter.
  await system.quarantined.skip('reader/a');
  console.log(`skipped; it has read: ${(await a.ask('look')).join(', ')}`);

  // The cause is mended, and the letter is said again.
  await a.ask('learn', 'xml');
  const letter = (await system.deadLetters.list()).find(({ address }) => address === 'reader/a')!;
  console.log(`dead letter: ${letter.message} ${JSON.stringify(letter.args)}, because ${letter.reason}`);
  await system.deadLetters.replay(letter.id);
  const read = await until(async () => {
    const all = await a.ask('look');
    return all.length > 1 ? all : undefined;
  });
  console.log(`replayed; it has read: ${read.join(', ')}`);
} finally {
  await system.stop();
  rmSync(directory, { recursive: true, force: true });
}
