// Measures: bytes of the server's own memory (private, resident) that an idle session takes, its socket, its agent's actor
// and all else that is kept for it: by how much the process grows from a first quarter of some thousand sessions to all of
// them, each of another agent. The floor is a bare socket of uWebSockets.js, in a process that holds as many and nothing else.
//
// Does not measure: what the kernel keeps for a socket, sessions with messages waiting or watches, or what opening them
// costs while it lasts.
//
// How to read it: bytes each, the median of the rounds, each in two new processes. Both collect their garbage every second,
// so that what V8 would keep free is not counted; they are opened in four steps, for what a burst of them leaves behind is
// not theirs, and read when the process has stopped shrinking. What a process takes once, it has taken in the first step.
// Verified tokens are forgotten after a second instead of thirty. The sessions are all open, and silent, when they are
// counted.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ServerProcess } from '../../examples/02-conversations/server-process.js';
import { type Identity, TroupeApi } from '../../examples/02-conversations/troupe-api.js';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import { type Spread, spreadOf } from '../harness/measure.js';
import { readUsage } from '../harness/process-usage.js';
import { BENCH_SETTINGS } from '../harness/server-under-test.js';
import type { IdleOrder } from './idle-sockets.js';
import { openRawSockets } from './pairs-under-test.js';

const SESSIONS = 8_000;
const SESSIONS_QUICK = 200;
/** They are opened in so many parts. */
const STEPS = 4;
const ROUNDS = 5;
const REACH_BYTES = 2_048;
/** Operators that register agents at the same time. */
const OPERATORS = 16;
const SETTINGS = { ...BENCH_SETTINGS, 'auth.cache_ttl_ms': 1_000, 'http.connections_max': 20_000, workers: 1 };

const LOOK_MS = 500;
const LOOKS_STEADY = 8;
const LOOKS_MAX = 60;
const BYTES_PER_MIB = 1024 ** 2;

/** What a process holds when it has not become less for a while. */
async function steadyBytes(pid: number, quick: boolean): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let steady = 0;
  for (let look = 0; look < LOOKS_MAX && steady < (quick ? 1 : LOOKS_STEADY); look++) {
    await pause(LOOK_MS);
    const { anonMib } = readUsage(pid);
    steady = anonMib < least ? 0 : steady + 1;
    least = Math.min(least, anonMib);
  }
  return least * BYTES_PER_MIB;
}

/** Bytes of a process for each of the sockets that `open` opens in it. */
async function bytesEach(
  pid: number,
  count: number,
  quick: boolean,
  open: (from: number, to: number) => Promise<void>,
): Promise<number> {
  const sizes: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    await open((step * count) / STEPS, ((step + 1) * count) / STEPS);
    sizes.push(await steadyBytes(pid, quick));
  }
  return (sizes.at(-1)! - sizes[0]!) / (count - count / STEPS);
}

async function bareRound(count: number, quick: boolean): Promise<number> {
  const raw = await openRawSockets();
  const load = new Child<IdleOrder, number>(join(import.meta.dirname, 'idle-sockets.js'));
  try {
    return await bytesEach(raw.pid, count, quick, async (from, to) => {
      expectOpen(await load.ask({ kind: 'open bare', port: raw.port, count: to - from }), to);
    });
  } finally {
    await Promise.all([load.close(), raw.close()]);
  }
}

async function sessionRound(server: ServerProcess, agents: readonly Identity[], quick: boolean): Promise<number> {
  const load = new Child<IdleOrder, number>(join(import.meta.dirname, 'idle-sockets.js'));
  try {
    await server.stop();
    await server.start();
    const port = Number(new URL(server.url).port);
    return await bytesEach(server.pid!, agents.length, quick, async (from, to) => {
      expectOpen(await load.ask({ kind: 'open', port, parties: agents.slice(from, to) }), to);
    });
  } finally {
    await load.close();
  }
}

function expectOpen(open: number, expected: number): void {
  if (open !== expected) throw new Error(`${expected} sockets were to be open: ${open} are`);
}

async function registerAgents(api: TroupeApi, count: number): Promise<Identity[]> {
  const each = Math.ceil(count / OPERATORS);
  const groups = await Promise.all(Array.from({ length: OPERATORS }, () => api.register(each)));
  return groups.flat().slice(0, count);
}

function bytes({ median, least, greatest }: Spread): string {
  return `${median.toFixed(0)} bytes each (${least.toFixed(0)} to ${greatest.toFixed(0)})`;
}

await runBench({
  name: 'sessions/idle-sessions',
  async open(quick) {
    const count = quick ? SESSIONS_QUICK : SESSIONS;
    // Told to every process of this bench, and to each of its threads.
    process.env.NODE_OPTIONS = `--import ${pathToFileURL(join(import.meta.dirname, 'collecting.js'))}`;
    const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');
    const dataDirectory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const server = new ServerProcess({ mainFile, dataDirectory, settings: SETTINGS });
    await server.start();
    const agents = await registerAgents(new TroupeApi(server.url), count);
    const bare: number[] = [];
    const sessions: number[] = [];
    const overBare: number[] = [];
    return {
      cases: [],
      async notes() {
        for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
          const [floor, own] = [await bareRound(count, quick), await sessionRound(server, agents, quick)];
          bare.push(floor);
          sessions.push(own);
          overBare.push(own - floor);
        }
        return [
          `${count.toLocaleString('en-US')} bare sockets (floor): ${bytes(spreadOf(bare))}`,
          `as many sessions, each of another agent: ${bytes(spreadOf(sessions))}`,
        ];
      },
      bounds: () => [
        {
          what: 'a session over a bare socket',
          measured: spreadOf(overBare).median,
          unit: 'bytes',
          limit: { kind: 'most', value: REACH_BYTES },
        },
      ],
      close: async () => {
        await server.dispose();
        rmSync(dataDirectory, { recursive: true, force: true });
      },
    };
  },
});
