// Measures: tells a second from one actor to others of the same worker, of which there are 1, 1,000 or 100,000, told in
// turn. The sender is an actor too: it tells 512 in a turn, the last of which is answered by a tell that begins its next.
//
// Does not measure: the way between threads (cross-thread-tell does), encoding (within a thread a payload is passed as it
// is), commits (the kind keeps nothing), or activation: all actors are alive after the warm-up.
//
// How to read it: the floor is a loop that calls the same handler on states found in a Map of the same size, without a
// queue, on this thread, which has nothing else to do. `verified` is the sum of what all actors have counted.

import { createSystem } from '../../src/index.js';
import { runBench } from '../harness/bench.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { addTo, auditor, CHUNK_TELLS, driver, type Tallied, tallyKeys } from './tally-kinds.js';

const ACTORS = [1, 1_000, 100_000];
const REACH = 0.4;

function mapCalls(actors: number): Subject {
  const keys = tallyKeys(actors);
  const held = new Map<string, { readonly state: Tallied; readonly add: typeof addTo }>();
  for (const key of keys) held.set(key, { state: { count: 0 }, add: addTo });
  let next = 0;
  return {
    name: 'calls through a Map',
    async run(budgetMs) {
      const startedAt = performance.now();
      let operations = 0;
      let now = startedAt;
      while (now - startedAt < budgetMs) {
        for (let calls = 0; calls < CHUNK_TELLS; calls++) {
          const found = held.get(keys[next]!)!;
          found.add(found, 1);
          if (++next === actors) next = 0;
        }
        operations += CHUNK_TELLS;
        now = performance.now();
      }
      return { operations, elapsedMs: now - startedAt, latency: null };
    },
    countFarEnd: async () => [...held.values()].reduce((sum, { state }) => sum + state.count, 0),
  };
}

function boundOf({ name, results }: CaseResult): Bound {
  return {
    what: `${name}: of the floor`,
    measured: results[1]!.ratio.median,
    unit: '',
    limit: { kind: 'least', value: REACH },
  };
}

await runBench({
  name: 'actors/local-tell',
  async open() {
    const system = await createSystem({ kinds: [new URL('./tally-kinds.js', import.meta.url)], workers: 1 });
    const cases = ACTORS.map((actors): BenchCase => {
      const tells: Subject = {
        name: 'tells',
        run: async (budgetMs) => ({
          ...(await system.ref(driver, `driver-${actors}`).ask('tellAll', { actors, budgetMs })),
          latency: null,
        }),
        countFarEnd: () => system.ref(auditor, 'auditor').ask('total'),
      };
      return {
        name: actors === 1 ? '1 actor' : `${actors.toLocaleString('en-US')} actors`,
        floor: mapCalls(actors),
        subjects: [tells],
      };
    });
    return { cases, bounds: (results) => results.map(boundOf), close: () => system.stop() };
  },
});
