// Session fuzzer
//
// Says a number of frames, in many sessions at a time, and tells what came of them. The first thing that is wrong ends it,
// with what is needed to say the same again.

import type { SessionCast } from './session-frames.js';
import { makeSessionPlan, type SessionPlan } from './session-plans.js';
import { talk } from './session-talk.js';

export interface SessionFuzzOptions {
  readonly port: number;
  readonly seed: number;
  readonly frames: number;
  /** Plans are numbered from here: two runs with one seed need not repeat each other. */
  readonly from: number;
  readonly cast: SessionCast;
}

export interface SessionFuzzReport {
  readonly frames: number;
  readonly connections: number;
  readonly heard: number;
  readonly ends: ReadonlyMap<string, number>;
}

const SHOWN_CHARS_MAX = 2_000;

/** As many connections at a time as the cast has agents. */
export async function fuzzSessions(options: SessionFuzzOptions): Promise<SessionFuzzReport> {
  const { port, seed, from, cast } = options;
  const ends = new Map<string, number>();
  const total = { frames: 0, connections: 0, heard: 0 };
  let failure: Error | undefined;
  const lane = async (place: number): Promise<void> => {
    while (total.frames < options.frames && failure === undefined) {
      const connection = from + total.connections++;
      const plan = makeSessionPlan(seed, connection, cast, place);
      const result = await talk(port, plan).catch((error: unknown) => {
        failure ??= explained(error, seed, connection, plan);
      });
      if (result === undefined) return;
      total.frames += plan.frames;
      total.heard += result.heard;
      const end = `${plan.kind} ${result.end}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  };
  await Promise.all(cast.tokens.map((_token, place) => lane(place)));
  if (failure !== undefined) throw failure;
  return { ...total, ends };
}

function explained(error: unknown, seed: number, connection: number, plan: SessionPlan): Error {
  const { kind, msgpack, upgrade, shown } = plan;
  const said = [JSON.stringify(upgrade), ...shown].map((text) => text.slice(0, SHOWN_CHARS_MAX)).join('\n');
  const again = `FUZZ_SEED=${seed} FUZZ_FROM=${connection} FUZZ_FRAMES=1`;
  const what = `${kind} session of ${msgpack ? 'MessagePack' : 'JSON'}`;
  return new Error(`${String(error)}\nin a ${what} (again: ${again}) that said:\n${said}`, { cause: error });
}
