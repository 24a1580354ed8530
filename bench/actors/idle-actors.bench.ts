// Measures: resident bytes of an idle actor, when a million of them were told a number once and hold it: by how much a
// process of its own grows over its empty system, after collections of garbage in its threads. The kind keeps nothing, so
// that nothing is passivated.
//
// Does not measure: actors with states of their own size, timers or messages waiting, or what making them costs while it
// lasts.
//
// How to read it: bytes each, the median of the rounds, each in two new processes. The floor is a Map of the same keys and
// numbers. Resident bytes hold what V8 has taken for its heap and keeps free, and what a process grows by once: divided by
// fewer actors they are more each, and they differ from run to run. The heap in use, beside them, holds nothing that is
// free. In the end a thousand actors, spread over all, are asked for what they hold; one that holds something else ends the
// bench, as does a count of resident actors that is not theirs.

import { join } from 'node:path';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import { type Spread, spreadOf } from '../harness/measure.js';
import type { IdleAnswer, IdleOrder } from './idle-process.js';

const ACTORS = 1_000_000;
const ACTORS_QUICK = 10_000;
const ROUNDS = 3;
const REACH_BYTES = 200;

async function hold(order: IdleOrder): Promise<IdleAnswer> {
  const child = new Child<IdleOrder, IdleAnswer>(join(import.meta.dirname, 'idle-process.js'));
  try {
    return await child.ask(order);
  } finally {
    await child.close();
  }
}

function bytes({ median, least, greatest }: Spread): string {
  return `${median.toFixed(0)} bytes each (${least.toFixed(0)} to ${greatest.toFixed(0)})`;
}

await runBench({
  name: 'actors/idle-actors',
  async open(quick) {
    const count = quick ? ACTORS_QUICK : ACTORS;
    const actors: IdleAnswer[] = [];
    const maps: IdleAnswer[] = [];
    const heapOf = (answers: readonly IdleAnswer[]): string =>
      `${spreadOf(answers.map(({ heapBytesEach }) => heapBytesEach)).median.toFixed(0)} of heap in use`;
    const bytesOf = (answers: readonly IdleAnswer[]): Spread => spreadOf(answers.map(({ bytesEach }) => bytesEach));
    return {
      cases: [],
      async notes() {
        for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
          maps.push(await hold({ held: 'a Map', count }));
          actors.push(await hold({ held: 'actors', count }));
        }
        const [{ baseMiB, sampled }] = actors as [IdleAnswer];
        const [of, asked] = [count, sampled].map((number) => number.toLocaleString('en-US'));
        return [
          `a Map of ${of} keys and numbers (floor): ${bytes(bytesOf(maps))}, ${heapOf(maps)}`,
          `${of} idle actors: ${bytes(bytesOf(actors))}, ${heapOf(actors)}, over ${baseMiB.toFixed(0)} MiB of the empty system; verified: ${asked}`,
        ];
      },
      bounds: () => [
        {
          what: 'an idle actor',
          measured: bytesOf(actors).median,
          unit: 'bytes',
          limit: { kind: 'most', value: REACH_BYTES },
        },
      ],
      close: async () => undefined,
    };
  },
});
