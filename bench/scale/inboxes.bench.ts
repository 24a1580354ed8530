// Measures: what a server keeps in memory for 10,000 agents with 100 messages of 10 KB each in their inboxes, ten
// gigabytes: just started, with every agent in use, and while all of it is pulled over HTTP, 100 messages at a time; and
// the rate of that pull, beside the floor: the same rows read straight from the store.
//
// Does not measure: delivering them (http/messages does), or a disk that has to be read first.
//
// How to read it: the notes. `Its own` is RssAnon, memory that nobody can take back. `Files` is RssFile: the program, and
// the pages of the store that were touched, which the kernel keeps mapped while it has nothing better to do with them and
// drops when it has. Every message is counted at the far end: as many were pulled as were written.

import { join } from 'node:path';
import { decodeValue } from '../../src/runtime/codec.js';
import { rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import { type Bench, runBench } from '../harness/bench.js';
import type { Sample, Subject } from '../harness/measure.js';
import type { ProcessUsage } from '../harness/process-usage.js';
import { AgedServer } from './aged-server.js';
import { InboxPuller } from './inbox-puller.js';

const FULL = { agents: 10_000, events: 10_000, stateKeys: 0, messagesPerAgent: 100, messageBytes: 10_000 };
const QUICK = { ...FULL, agents: 1_500, events: 1_500, messagesPerAgent: 10 };
/** The floor reads these again and again. */
const FLOOR_AGENTS = 200;
const WATCH_MS = 100;

function samplesOf(operations: number, startedAt: number): Sample {
  return { operations, elapsedMs: performance.now() - startedAt, latency: null };
}

/** Reads and decodes the inboxes of a store that nobody writes. */
function rawReads(server: AgedServer, messages: number): Subject {
  const reader = openLmdbReader(join(server.directory, 'tables'));
  let next = 0;
  return {
    name: 'the store alone',
    async run(budgetMs) {
      const startedAt = performance.now();
      let operations = 0;
      while (performance.now() - startedAt < budgetMs) {
        const { address } = server.data.agents[next++ % FLOOR_AGENTS]!;
        const rows = reader.range({ ...rangeOf(['inbox', address]), limit: messages });
        for (const { value } of rows) decodeValue(value);
        operations += rows.length;
      }
      return samplesOf(operations, startedAt);
    },
  };
}

/** The greatest that the server had while `run` ran. */
async function watched(server: AgedServer, run: () => Promise<unknown>): Promise<ProcessUsage> {
  let most = server.usage();
  const timer = setInterval(() => {
    const usage = server.usage();
    if (usage.anonMib + usage.fileMib > most.anonMib + most.fileMib)
      most = { ...usage, anonMib: Math.max(usage.anonMib, most.anonMib) };
    else if (usage.anonMib > most.anonMib) most = { ...most, anonMib: usage.anonMib };
  }, WATCH_MS);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return most;
}

function memoryNote(when: string, { anonMib, fileMib }: ProcessUsage): string {
  return `${when}: ${anonMib.toFixed(0)} MiB its own, ${fileMib.toFixed(0)} MiB files, ${(anonMib + fileMib).toFixed(0)} MiB together`;
}

const bench: Bench = {
  name: 'scale/inboxes',
  async open(quick) {
    const plan = { ...(quick ? QUICK : FULL), knownTokens: FULL.agents };
    const [server, untouched] = [AgedServer.prepare(plan), AgedServer.prepare({ ...plan, agents: FLOOR_AGENTS })];
    await server.start();
    const notes = [memoryNote('just started', server.usage())];
    const puller = new InboxPuller(() => server.url, server.data.agents);
    notes.push(
      memoryNote('every agent in use, one message of each pulled', await watched(server, () => puller.pull(1))),
    );
    puller.rewind();
    const pull: Subject = {
      name: 'troupe',
      async run(budgetMs) {
        const startedAt = performance.now();
        return samplesOf(await puller.pull(plan.messagesPerAgent, budgetMs), startedAt);
      },
    };
    return {
      cases: [{ name: 'messages pulled', floor: rawReads(untouched, plan.messagesPerAgent), subjects: [pull] }],
      async notes() {
        const most = await watched(server, () => puller.pull(plan.messagesPerAgent));
        const written = plan.agents * plan.messagesPerAgent;
        if (puller.pulled !== written) throw new Error(`${written} messages were written, and ${puller.pulled} pulled`);
        return [...notes, memoryNote(`until all ${written.toLocaleString('en-US')} were pulled, at most`, most)];
      },
      async close() {
        puller.close();
        await Promise.all([server.close(), untouched.close()]);
      },
    };
  },
};

await runBench(bench);
