// Lesson 5, time and lifecycles: schedule, remind, watch, stop.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystem } from 'troupe';
import { alarm, host, session } from './05-time-kinds.js';

const LOOK_AGAIN_MS = 10;
const directory = mkdtempSync(join(tmpdir(), 'troupe-time-'));
const start = () => createSystem({ kinds: [new URL('./05-time-kinds.js', import.meta.url)], directory });

async function until<T>(look: () => Promise<T | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

let system = await start();
try {
  // schedule: in memory, precise, gone with the actor's life.
  const talk = system.ref(session, 'talk');
  const watched = talk.watch();
  await system.ref(host, 'h').ask('watch', 'talk');
  await talk.ask('say', 60_000);
  console.log(`said ${await talk.ask('say', 300)} things`);

  // watch: from outside of all actors a promise, and to an actor a message.
  console.log(`the session ended: ${await watched}`);
  const endings = await until(async () => {
    const all = await system.ref(host, 'h').ask('look');
    return all.length > 0 && all;
  });
  console.log(`the host was told: ${endings.join(', ')}`);

  // stop: a life is over, an address never is. Its next message begins a new life.
  console.log(`said ${await talk.ask('say', 300)} thing in a new life`);

  // remind: stored, so that it comes also when everything was restarted.
  await system.ref(alarm, 'a').ask('set', Date.now() + 1_000);
  await system.stop();
  system = await start();
  await until(async () => (await system.ref(alarm, 'a').ask('look')) === 1);
  console.log('the alarm rang in the next process');
} finally {
  await system.stop();
  rmSync(directory, { recursive: true, force: true });
}
