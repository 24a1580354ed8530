// Measures: what happens when ten million tells come to one actor that handles about a thousand in a second: half of them
// from four actors of its own thread, half from outside, as fast as each can. Does memory stay where it is, is every tell
// accounted for, and do the timers of that thread come in time?
//
// Does not measure: a handler that holds up its thread, or senders that heed a refusal; these do not.
//
// How to read it: every tell was handled, or refused to its sender (`tell` said false, outside only), or is a dead letter;
// the three are counted at three places, and the bench ends where they do not add up. Memory is the resident memory of the
// process, which ten million waiting tells would raise by gigabytes: its highest in the second half of the load over its
// highest in the first. The timers are those of an actor that schedules itself every 10 ms: how late the latest came.

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type ActorSystem, CodedError, createSystem } from '../../src/index.js';
import { runBench } from '../harness/bench.js';
import type { Bound } from '../harness/report.js';
import { type Beats, flooder, metronome, slow } from './slow-kinds.js';

const TELLS = 10_000_000;
const TELLS_QUICK = 100_000;
const FLOODERS = 4;
/** Tells from outside in one turn of the loop. */
const OUTSIDE_TELLS = 1_000;
const MEMORY_LOOK_MS = 20;
const REACH_GROWTH_MIB = 64;
const REACH_LATE_MS = 20;
/** Longest wait for the slow actor to come to the end of its mailbox. */
const DRAIN_MS_MAX = 30_000;
const SETTLE_LOOK_MS = 10;
const KEY = 'slow';

interface Flood {
  readonly tells: number;
  readonly elapsedMs: number;
  readonly handled: number;
  readonly refused: number;
  readonly deadLetters: number;
  readonly emptyMiB: number;
  readonly firstHalfMiB: number;
  readonly secondHalfMiB: number;
  readonly beats: Beats;
}

/** The highest resident memory of each half of the load, which may be read before its end. */
class MemoryWatch {
  readonly #samplesMiB: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#look();
    this.#timer = setInterval(() => this.#look(), MEMORY_LOOK_MS);
  }

  stop(): readonly [number, number] {
    clearInterval(this.#timer);
    this.#look();
    const middle = Math.ceil(this.#samplesMiB.length / 2);
    return [Math.max(...this.#samplesMiB.slice(0, middle)), Math.max(...this.#samplesMiB.slice(middle))];
  }

  #look(): void {
    this.#samplesMiB.push(process.memoryUsage.rss() / 1024 ** 2);
  }
}

/** How many were refused at once. */
async function tellFromOutside(system: ActorSystem, tells: number): Promise<number> {
  const to = system.ref(slow, KEY);
  let refused = 0;
  for (let told = 0; told < tells; told++) {
    if (!to.tell('take', told)) refused++;
    if (told % OUTSIDE_TELLS === 0) await nextTurn();
  }
  return refused;
}

async function tellFromActors(system: ActorSystem, tells: number): Promise<number> {
  const plan = { to: KEY, tells: tells / FLOODERS };
  const floods = Array.from({ length: FLOODERS }, (_, place) =>
    system.ref(flooder, `flooder-${place}`).ask('flood', plan, { timeoutMs: Number.POSITIVE_INFINITY }),
  );
  return (await Promise.all(floods)).reduce((sum, told) => sum + told, 0);
}

async function deadLettersOf(system: ActorSystem): Promise<number> {
  return (await system.status()).workers.reduce((sum, worker) => sum + (worker?.deadLetters ?? 0), 0);
}

/** Waits until everything is accounted for, and throws when it never is. */
async function settle(
  system: ActorSystem,
  tells: number,
  refused: number,
): Promise<{ readonly handled: number; readonly deadLetters: number }> {
  const deadline = performance.now() + DRAIN_MS_MAX;
  for (;;) {
    const deadLetters = await deadLettersOf(system);
    const handled = await handledBy(system);
    const counted = (handled ?? 0) + refused + deadLetters;
    if (handled !== undefined && counted === tells) return { handled, deadLetters };
    if (counted > tells || performance.now() > deadline) {
      const found = `${handled} handled, ${refused} refused, ${deadLetters} dead letters`;
      throw new Error(`${tells} were told, and ${counted} are accounted for: ${found}`);
    }
    await delay(SETTLE_LOOK_MS);
  }
}

/** Undefined while its mailbox takes no ask. */
async function handledBy(system: ActorSystem): Promise<number | undefined> {
  try {
    return await system.ref(slow, KEY).ask('handled');
  } catch (error) {
    if (error instanceof CodedError && error.code === 'OVERLOADED') return undefined;
    throw error;
  }
}

async function flood(system: ActorSystem, tells: number): Promise<Flood> {
  const beating = system.ref(metronome, 'metronome');
  await system.ref(slow, KEY).ask('handled');
  await beating.ask('start');
  const emptyMiB = process.memoryUsage.rss() / 1024 ** 2;
  const memory = new MemoryWatch();
  const startedAt = performance.now();
  const [told, refused] = await Promise.all([tellFromActors(system, tells / 2), tellFromOutside(system, tells / 2)]);
  if (told !== tells / 2) throw new Error(`The actors were to tell ${tells / 2}, and told ${told}`);
  const elapsedMs = performance.now() - startedAt;
  const [firstHalfMiB, secondHalfMiB] = memory.stop();
  const beats = await beating.ask('stop');
  const counts = await settle(system, tells, refused);
  return { tells, elapsedMs, refused, ...counts, emptyMiB, firstHalfMiB, secondHalfMiB, beats };
}

function notesOf(flood: Flood): string[] {
  const [tells, handled, refused, dead] = [flood.tells, flood.handled, flood.refused, flood.deadLetters].map((count) =>
    count.toLocaleString('en-US'),
  );
  const { beats, late } = flood.beats;
  const [empty, first, second] = [flood.emptyMiB, flood.firstHalfMiB, flood.secondHalfMiB].map((mib) => mib.toFixed(0));
  return [
    `${tells} tells in ${(flood.elapsedMs / 1000).toFixed(1)} s: ${handled} handled, ${refused} refused at once, ${dead} dead letters; verified: they add up`,
    `resident memory: ${empty} MiB before, at most ${first} in the first half, ${second} in the second`,
    `${beats.toLocaleString('en-US')} timers: late by ${late.p50Ms.toFixed(1)} ms (p50), ${late.p99Ms.toFixed(1)} (p99), ${late.maxMs.toFixed(1)} (latest)`,
  ];
}

function boundsOf({ firstHalfMiB, secondHalfMiB, beats }: Flood): Bound[] {
  return [
    {
      what: 'growth of the second half over the first',
      measured: secondHalfMiB - firstHalfMiB,
      unit: 'MiB',
      limit: { kind: 'most', value: REACH_GROWTH_MIB },
    },
    {
      what: 'the latest timer of the thread',
      measured: beats.late.maxMs,
      unit: 'ms late',
      limit: { kind: 'most', value: REACH_LATE_MS },
    },
  ];
}

await runBench({
  name: 'actors/slow-actor',
  async open(quick) {
    const system = await createSystem({ kinds: [new URL('./slow-kinds.js', import.meta.url)], workers: 1 });
    let result: Flood | undefined;
    return {
      cases: [],
      async notes() {
        result = await flood(system, quick ? TELLS_QUICK : TELLS);
        return notesOf(result);
      },
      bounds: () => boundsOf(result!),
      close: () => system.stop(),
    };
  },
});
