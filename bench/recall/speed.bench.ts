// Measures: what recall costs in process, for a subject of 6,000 utterances: a context of 4,000 tokens by words and with
// vectors, a context after each new utterance, the index of all of them from nothing, and the room of one.
//
// Does not measure: the vector of the task (recall/conversations says what one takes), the store, HTTP.
//
// How to read it: the floor looks for each word of the task in each text with `includes`, and packs nothing. Times are also
// given as this process's own CPU, since a busy machine shows in the others. Vectors are random: their numbers do not matter.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assembleContext } from '../../src/actors/subject/context-assembly.js';
import { candidatesFor, rankSubject } from '../../src/actors/subject/ranking.js';
import type { Episode } from '../../src/actors/subject/records.js';
import { SubjectIndex } from '../../src/actors/subject/subject-index.js';
import { countTokens } from '../../src/actors/subject/token-count.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { type OpenBench, runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { Subject } from '../harness/measure.js';
import { median } from '../harness/median.js';
import { episodesOf } from './context-source.js';
import { locomoDirectory, merged, readLocomo } from './conversation.js';
import { SECOND_SET } from './second-set.js';

const UTTERANCES = 6_000;
const QUICK_UTTERANCES = 600;
const DIMENSIONS = 512;
const MAX_TOKENS = 4_000;
const BUILDS = 7;
const CONTEXTS = 600;
const QUICK_CONTEXTS = 60;
const NOW = Date.UTC(2026, 10, 20);

interface Corpus {
  readonly episodes: readonly Episode[];
  readonly tasks: readonly string[];
}

/** Real conversations, as often as it takes; each time round, every text has a word of its own more. */
function corpusOf(count: number): Corpus {
  const locomo = readLocomo(locomoDirectory());
  const { turns, questions } = locomo.length > 0 ? merged('all', locomo) : SECOND_SET;
  const repeated = Array.from({ length: count }, (_, at) => {
    const turn = turns[at % turns.length]!;
    const round = Math.floor(at / turns.length);
    const text = round === 0 ? turn.text : `${turn.text} (again ${round * count + at})`;
    return { ...turn, session: `${turn.session}/${round}`, text };
  });
  const told = episodesOf({ id: 'all', turns: repeated, questions: [] });
  // As a store gives them: no two share a string.
  const episodes = told.map(ownCopy);
  return { episodes, tasks: questions.map(({ question }) => question) };
}

function ownCopy(episode: Episode): Episode {
  return JSON.parse(JSON.stringify(episode)) as Episode;
}

function built(episodes: readonly Episode[]): SubjectIndex {
  const index = new SubjectIndex();
  for (const episode of episodes) index.addEpisode(episode);
  void index.order;
  return index;
}

function addVectors(index: SubjectIndex, episodes: readonly Episode[], random: SeededRandom): void {
  for (const { id } of episodes) index.setVector(`${id}#0`, randomVector(random));
}

function randomVector(random: SeededRandom): Float32Array {
  return Float32Array.from({ length: DIMENSIONS }, () => random.next() - 0.5);
}

function contextOf(index: SubjectIndex, task: string, queryVector: Float32Array | null): string {
  const limit = candidatesFor(MAX_TOKENS);
  const ranking = rankSubject(index, {
    task,
    nowMs: NOW,
    sessionId: null,
    queryVector,
    limit,
    resolutions: new Map(),
  });
  return assembleContext(ranking, { task, maxTokens: MAX_TOKENS, sessionId: null }).assembledContext;
}

function subjectOf(name: string, tasks: readonly string[], answer: (task: string) => unknown): Subject {
  let next = 0;
  return {
    name,
    async run(budgetMs) {
      const latency = new LatencyRecorder();
      const startedAt = performance.now();
      let operations = 0;
      let now = startedAt;
      while (now - startedAt < budgetMs) {
        answer(tasks[next++ % tasks.length]!);
        const ended = performance.now();
        latency.record(ended - now);
        now = ended;
        operations++;
      }
      return { operations, elapsedMs: now - startedAt, latency: latency.summary() };
    },
  };
}

interface Spent {
  readonly cpuMs: number;
  readonly wallMs: number;
}

function spentBy(work: () => unknown): Spent {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  work();
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, wallMs };
}

/** The 95th of a hundred. */
function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!;
}

/** Heap and buffers that are alive. */
function roomBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

await runBench({
  name: 'recall/speed',
  async open(quick): Promise<OpenBench> {
    const count = quick ? QUICK_UTTERANCES : UTTERANCES;
    const random = new SeededRandom(1);
    const { episodes, tasks } = corpusOf(count);
    const byWords = built(episodes);
    const withVectors = built(episodes);
    addVectors(withVectors, episodes, random);
    const queryVector = randomVector(random);
    const texts = Array.from({ length: count }, (_, item) => byWords.text(item));
    const found: { p95CpuMs: number; buildCpuMs: number; bytes: number } = { p95CpuMs: 0, buildCpuMs: 0, bytes: 0 };
    const grep = (task: string): number => {
      const words = task.split(' ');
      return texts.filter((text) => words.some((word) => text.includes(word))).length;
    };
    return {
      cases: [
        {
          name: `a context of ${MAX_TOKENS} tokens, ${count} utterances`,
          floor: subjectOf('includes', tasks, grep),
          subjects: [
            subjectOf('by words', tasks, (task) => contextOf(byWords, task, null)),
            subjectOf('with vectors', tasks, (task) => contextOf(withVectors, task, queryVector)),
          ],
        },
      ],
      async notes() {
        const asked = Array.from({ length: quick ? QUICK_CONTEXTS : CONTEXTS }, (_, at) => tasks[at % tasks.length]!);
        const lines: string[] = [];
        for (const [name, index, vector] of [
          ['by words', byWords, null],
          ['with vectors', withVectors, queryVector],
        ] as const) {
          const spent = asked.map((task) => spentBy(() => contextOf(index, task, vector)));
          const cpu = spent.map(({ cpuMs }) => cpuMs);
          found.p95CpuMs = p95(cpu);
          lines.push(
            `${name}: CPU p50 ${median(cpu).toFixed(2)} ms, p95 ${p95(cpu).toFixed(2)} ms; waited ` +
              `p50 ${median(spent.map(({ wallMs }) => wallMs)).toFixed(2)} ms, p95 ${p95(spent.map(({ wallMs }) => wallMs)).toFixed(2)} ms`,
          );
        }
        const more = episodes
          .slice(0, asked.length / 4)
          .map((episode, at) => ({ ...episode, id: `${episode.id}-${at}` }));
        const growing = built(episodes);
        const added = more.map((episode, at) =>
          spentBy(() => {
            growing.addEpisode(episode);
            contextOf(growing, asked[at]!, null);
          }),
        );
        const addedCpu = added.map(({ cpuMs }) => cpuMs);
        lines.push(
          `a new utterance and a context, by words: CPU p50 ${median(addedCpu).toFixed(2)} ms, p95 ${p95(addedCpu).toFixed(2)} ms`,
        );
        const builds = Array.from({ length: BUILDS }, () => spentBy(() => built(episodes)).cpuMs);
        found.buildCpuMs = median(builds);
        lines.push(
          `index of ${count} from nothing: CPU ${found.buildCpuMs.toFixed(0)} ms (first ${builds[0]!.toFixed(0)} ms)`,
        );
        const before = roomBytes();
        const index = new SubjectIndex();
        for (const episode of episodes) index.addEpisode(ownCopy(episode));
        void index.order;
        const room = (roomBytes() - before) / count;
        found.bytes = index.bytes / count;
        const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0) / count;
        lines.push(
          `bytes an utterance of ${tokens.toFixed(0)} tokens: ${found.bytes.toFixed(0)} by its own count, ${room.toFixed(0)} by the heap; ` +
            `${(withVectors.bytes / count).toFixed(0)} with vectors`,
        );
        return lines;
      },
      bounds: () => [
        {
          what: 'context with vectors, p95 of CPU',
          measured: found.p95CpuMs,
          unit: 'ms',
          limit: { kind: 'most', value: 5 },
        },
        {
          what: 'index from nothing, CPU',
          measured: found.buildCpuMs,
          unit: 'ms',
          limit: { kind: 'most', value: 150 },
        },
        {
          what: 'bytes an utterance, without vectors',
          measured: found.bytes,
          unit: 'B',
          limit: { kind: 'most', value: 600 },
        },
      ],
      close: async () => undefined,
    };
  },
});
