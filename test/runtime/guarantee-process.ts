// A process with a system of books over a directory: `node guarantee-process.js <directory> <first item> <answers>`. It
// adds items without end, and says on stdout what was acknowledged, before it does anything else. With a number of
// answers it kills itself (kill -9) at that one, in the same turn of the loop; with 0 it waits to be killed, and lets
// some turns fail and some workers end meanwhile.

import { writeSync } from 'node:fs';
import { CodedError, createSystem } from '../../src/index.js';
import { silentLog } from '../../src/log.js';
import type { BookMessage } from './book-load.js';
import { book } from './guarantee-kinds.js';
import { GUARANTEE_KINDS } from './guarantee-system.js';

export const PROCESS_KEYS = Array.from({ length: 8 }, (_, i) => `b${i}`);
const WORKERS = 2;
const AT_ONCE = 4;
/** Behind a refusal. */
const PAUSE_MS = 4;
/** One worker ends behind so many items. */
const EXIT_EVERY = 200;
const MESSAGES: readonly BookMessage[] = ['add', 'add', 'addSlowly', 'add', 'fail', 'add', 'addSlowly'];

/** At once, however long the reader takes: what a dying process has not handed over is lost. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

async function run(directory: string, firstItem: number, answersMax: number): Promise<void> {
  say('starting');
  const system = await createSystem({ kinds: [GUARANTEE_KINDS], directory, workers: WORKERS, log: silentLog });
  say('ready');
  let item = firstItem;
  let answers = 0;
  const add = async (key: string): Promise<void> => {
    const ref = system.ref(book, key);
    for (;;) {
      const mine = item++;
      if (answersMax === 0 && mine % EXIT_EVERY === 0) ref.tell('exit');
      try {
        const place = await ref.ask(answersMax > 0 ? 'add' : MESSAGES[mine % MESSAGES.length]!, mine);
        say(`added ${key} ${mine} ${place}`);
        if (++answers === answersMax) process.kill(process.pid, 'SIGKILL');
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        say(`refused ${key} ${mine} ${error.code}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  };
  await Promise.all(PROCESS_KEYS.flatMap((key) => Array.from({ length: AT_ONCE }, () => add(key))));
}

// The tests import the keys from here.
if (process.argv[1] === import.meta.filename) {
  const [, , directory, firstItem, answersMax] = process.argv;
  await run(directory!, Number(firstItem), Number(answersMax));
}
