// Measures: episodes a second that the heuristic compiler makes memories of, on one core: a turn of talk each, in batches of 100 in view of
// 1,000 active memories, in view of none, and of what a support session of ten messages takes.
//
// Does not measure: the store, the index, or a model.
//
// How to read it: the floor only reads the text of the same episodes character by character; `of the floor` says how many times a reading
// costs what is found. `verified` is the episodes that a summary names. A second is one of processor time, with what the collector
// of garbage takes on other threads: the question is what a core can do, not how busy the machine is.

import { compileHeuristically } from '../../src/actors/subject/compiler/heuristic.js';
import { spokenOf } from '../../src/actors/subject/compiler/spoken.js';
import type { Episode, Memory } from '../../src/actors/subject/records.js';
import { runBench } from '../harness/bench.js';
import type { Sample, Subject } from '../harness/measure.js';
import { sessionsOfSupport, turnsOfTalk } from './synthetic-talk.js';

const BATCH = 100;
const REACH_PER_SECOND = 5_000;
const NOW = Date.UTC(2024, 0, 1);

let ids = 0;
const newId = (): string => `memory-${++ids}`;

type Work = (batch: readonly Episode[]) => number;

/** Runs `work` over the batches, round and round, until the budget is spent. */
function over(name: string, episodes: readonly Episode[], work: Work): Subject {
  let found = 0;
  let at = 0;
  return {
    name,
    run: async (budgetMs): Promise<Sample> => {
      const before = process.cpuUsage();
      let operations = 0;
      let elapsedMs = 0;
      while (elapsedMs < budgetMs) {
        if (at + BATCH > episodes.length) at = 0;
        const batch = episodes.slice(at, at + BATCH);
        at += BATCH;
        found += work(batch);
        operations += batch.length;
        const { user, system } = process.cpuUsage(before);
        elapsedMs = (user + system) / 1_000;
      }
      return { operations, elapsedMs, latency: null };
    },
    countFarEnd: async () => found,
  };
}

function compiling(active: readonly Memory[]): Work {
  return (batch) => {
    const { created } = compileHeuristically(batch, active, { nowMs: NOW, newId });
    const named = new Set<string>();
    for (const { kind, sourceEpisodeIds } of created)
      if (kind === 'episode_summary') for (const id of sourceEpisodeIds) named.add(id);
    return batch.filter(({ id }) => named.has(id)).length;
  };
}

const reading: Work = (batch) => {
  let sum = 0;
  for (const episode of batch) {
    for (const { text } of spokenOf(episode)) for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at);
  }
  return sum > 0 ? batch.length : 0;
};

const talk = turnsOfTalk(5_000);
const support = sessionsOfSupport(500);
const active = compileHeuristically(turnsOfTalk(1_000, 'before'), [], { nowMs: NOW, newId })
  .created.filter(({ status }) => status === 'active')
  .slice(0, 1_000);

await runBench({
  name: 'compile/heuristic',
  open: async () => ({
    cases: [
      { name: 'turns of talk', floor: over('read', talk, reading), subjects: [over('compiled', talk, compiling([]))] },
      {
        name: 'in view of 1,000',
        floor: over('read', talk, reading),
        subjects: [over('compiled', talk, compiling(active))],
      },
      {
        name: 'sessions of support',
        floor: over('read', support, reading),
        subjects: [over('compiled', support, compiling([]))],
      },
    ],
    bounds: (cases) => [
      {
        what: 'turns of talk compiled in a second of a core',
        measured: cases[0]!.results[1]!.perSecond.median,
        unit: '/s',
        limit: { kind: 'least', value: REACH_PER_SECOND },
      },
    ],
    close: async () => undefined,
  }),
});
