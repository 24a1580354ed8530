// Measures: what the account costs that explain() is told from: tells a second to 1,000 actors of one worker, in a system
// that keeps it and in one that does not (`explain: false`), in turn.
//
// Does not measure: explain() itself, which is asked for by a person now and then.
//
// How to read it: the floor is the system without it; `of the floor` is what is left. `verified` is the sum of what all
// actors have counted.

import { type ActorSystem, createSystem } from '../../src/index.js';
import { runBench } from '../harness/bench.js';
import type { Subject } from '../harness/measure.js';
import { auditor, driver } from './tally-kinds.js';

const ACTORS = 1_000;
const REACH = 0.95;

function tellsOf(name: string, system: ActorSystem): Subject {
  return {
    name,
    run: async (budgetMs) => ({
      ...(await system.ref(driver, 'driver').ask('tellAll', { actors: ACTORS, budgetMs })),
      latency: null,
    }),
    countFarEnd: () => system.ref(auditor, 'auditor').ask('total'),
  };
}

await runBench({
  name: 'actors/explain-cost',
  async open() {
    const open = (explain: boolean): Promise<ActorSystem> =>
      createSystem({ kinds: [new URL('./tally-kinds.js', import.meta.url)], workers: 1, explain });
    const [without, kept] = [await open(false), await open(true)];
    return {
      cases: [
        {
          name: '1,000 actors',
          floor: tellsOf('no account', without),
          subjects: [tellsOf('an account', kept)],
        },
      ],
      bounds: ([result]) => [
        {
          what: 'tells with an account, of those without',
          measured: result!.results[1]!.ratio.median,
          unit: '',
          limit: { kind: 'least', value: REACH },
        },
      ],
      async close() {
        await kept.stop();
        await without.stop();
      },
    };
  },
});
