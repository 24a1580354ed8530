// Fuzzer
//
// Sends a number of requests, on many connections at a time, and tells what came of them. The first thing that is wrong
// ends it, with what is needed to send the same again.

import { converse } from './conversation.js';
import { makePlan, type Plan } from './plans.js';
import type { Cast } from './requests.js';

export interface FuzzOptions {
  readonly port: number;
  readonly seed: number;
  readonly requests: number;
  /** Plans are numbered from here: two runs with one seed need not repeat each other. */
  readonly from: number;
  readonly cast: Cast;
  /** The listener may end a connection that asks ahead of an answer. */
  readonly endsAhead: boolean;
  /** Called some SAMPLES times, evenly spread. */
  readonly sample: () => void;
}

export interface FuzzReport {
  readonly requests: number;
  readonly connections: number;
  readonly answers: number;
  readonly byStatus: ReadonlyMap<number, number>;
  /** Connections on which nothing was said. */
  readonly mute: number;
}

/** Connections at a time. */
const LANES = 64;
const SAMPLES = 60;
const SHOWN_BYTES_MAX = 4_000;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { port, seed, from, cast, endsAhead } = options;
  const byStatus = new Map<number, number>();
  const sampleEvery = Math.ceil(options.requests / SAMPLES);
  const total = { requests: 0, connections: 0, answers: 0, mute: 0, sampled: 0 };
  let failure: Error | undefined;
  const lane = async (): Promise<void> => {
    while (total.requests < options.requests && failure === undefined) {
      const connection = from + total.connections++;
      const plan = makePlan(seed, connection, cast);
      const outcome = await converse(port, plan, endsAhead).catch((error: unknown) => {
        failure ??= explained(error, seed, connection, plan);
      });
      if (outcome === undefined) return;
      const { answers } = outcome;
      total.requests += outcome.requests;
      total.answers += answers.length;
      if (answers.length === 0) total.mute += 1;
      for (const { status } of answers) byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      if (Math.floor(total.requests / sampleEvery) > total.sampled) {
        total.sampled = Math.floor(total.requests / sampleEvery);
        options.sample();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, options.requests) }, lane));
  if (failure !== undefined) throw failure;
  return { ...total, byStatus };
}

function explained(error: unknown, seed: number, connection: number, plan: Plan): Error {
  const pieces = plan.steps.flatMap((step) => step.map((piece) => piece.toString('latin1')));
  const sent = pieces.map((piece) => JSON.stringify(piece.slice(0, SHOWN_BYTES_MAX))).join('\n');
  const again = `FUZZ_SEED=${seed} FUZZ_FROM=${connection} FUZZ_REQUESTS=1`;
  return new Error(`${String(error)}\nin a ${plan.kind} connection (again: ${again}) that sent:\n${sent}`, {
    cause: error,
  });
}
