// Measures: tell, ask, ping-pong, and spawn and stop between actors of one thread, with this project, nact, xstate and
// comedy: messages, asks, round trips and lives a second. peers/contender.ts says what each task is, and each library's
// file there how it is done with that library's own means.
//
// Does not measure: other threads, stored state, many actors at once (local-tell does), or memory.
//
// How to read it: the floor is a loop that empties one queue and finds handlers in a Map. `verified` is what the far end
// has counted in its own state. The libraries do not promise the same: here mailboxes are bounded, actors supervised, what
// a turn says leaves only when its handler has returned, a message could as well cross threads, and the actors run in a
// worker while the others run on the main thread. nact has mailboxes without bounds and supervision, xstate calls the
// receiver at once where it can, comedy has no mailbox and awaits handlers of an actor side by side. xstate has no ask.
// nact and comedy are asked from outside of all actors, this project from an actor.
//
// The other libraries are no dependencies of the project. Without `npm ci --prefix bench/peers` this bench says so, and
// measures the project against the floor alone.

import { runBench } from '../harness/bench.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { openBare } from '../peers/bare-contender.js';
import { openComedy } from '../peers/comedy-contender.js';
import { type Contender, TASKS, type Task } from '../peers/contender.js';
import { INSTALL_COMMAND } from '../peers/installed.js';
import { openNact } from '../peers/nact-contender.js';
import { openTroupe } from '../peers/troupe-contender.js';
import { openXstate } from '../peers/xstate-contender.js';

const OPENERS = [
  ['nact', openNact],
  ['xstate', openXstate],
  ['comedy', openComedy],
] as const;

function subjectOf(contender: Contender, task: Task): Subject | undefined {
  const run = contender.runs[task];
  if (run === undefined) return undefined;
  return {
    name: contender.name,
    run: async (budgetMs) => ({ ...(await run(budgetMs)), latency: null }),
    countFarEnd: () => contender.count(task),
  };
}

/** The project against the fastest of the others; nothing when none is there. */
function boundOf({ name, results }: CaseResult): Bound | undefined {
  const [, own, ...others] = results;
  const fastest = others.toSorted((a, b) => b.perSecond.median - a.perSecond.median)[0];
  if (own === undefined || fastest === undefined) return undefined;
  return {
    what: `${name}: times ${fastest.subject}, the fastest other library`,
    measured: own.perSecond.median / fastest.perSecond.median,
    unit: '',
    limit: { kind: 'least', value: 1 },
  };
}

await runBench({
  name: 'actors/peers',
  async open() {
    const [bare, troupe] = [openBare(), await openTroupe()];
    const others: Contender[] = [];
    const missing: string[] = [];
    for (const [name, open] of OPENERS) {
      const contender = await open();
      if (contender === undefined) missing.push(name);
      else others.push(contender);
    }
    const cases = TASKS.map((task): BenchCase => {
      const subjects = [troupe, ...others].flatMap((contender) => subjectOf(contender, task) ?? []);
      return { name: task, floor: subjectOf(bare, task)!, subjects };
    });
    const how = `not installed, and not measured: ${missing.join(', ')}. To install them: ${INSTALL_COMMAND}`;
    return {
      cases,
      notes: async () => (missing.length === 0 ? [] : [how]),
      bounds: (results) => results.flatMap((result) => boundOf(result) ?? []),
      async close() {
        for (const contender of [bare, troupe, ...others]) await contender.close();
      },
    };
  },
});
