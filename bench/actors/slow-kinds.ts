// Slow kinds
//
// An actor that takes its time, actors that tell it more than it can take, and one that looks at the clock of their thread.

import { actor, LATER, protocol } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';
import { LatencyRecorder, type LatencySummary } from '../harness/latency.js';

/** What the slow actor waits in each of its turns, without holding up its thread. */
const HANDLING_MS = 1;
/** Tells of one turn of a flooding actor. */
const FLOOD_TELLS = 100;
/** Between two looks at the clock. */
const BEAT_MS = 10;

export const slow = actor({
  kind: 'slow',
  state: () => ({ handled: 0 }),
  messages: {
    async take(context, _place: number) {
      await new Promise((resolve) => setTimeout(resolve, HANDLING_MS));
      context.state.handled++;
    },
    handled: (context) => context.state.handled,
  },
});

export interface FloodPlan {
  readonly to: string;
  readonly tells: number;
}

export type FlooderMessages = {
  flood: { readonly args: FloodPlan; readonly reply: number };
  more: { readonly args: undefined; readonly reply: null };
};

export const flooderProtocol = protocol<FlooderMessages>('flooder', ['flood', 'more']);

interface Flooding {
  to: string;
  tells: number;
  told: number;
  handle: ReplyHandle | undefined;
}

export const flooder = actor<Flooding, FlooderMessages>({
  protocol: flooderProtocol,
  state: () => ({ to: '', tells: 0, told: 0, handle: undefined }),
  messages: {
    /** Answered with how many it told, when all are told. */
    flood(context, { to, tells }) {
      context.state = { to, tells, told: 0, handle: context.replyHandle() };
      context.tell(flooderProtocol, context.key, 'more', undefined);
      return LATER;
    },
    more(context) {
      const { state } = context;
      if (state.told === state.tells) {
        context.reply(state.handle!, state.told);
        return null;
      }
      const end = Math.min(state.tells, state.told + FLOOD_TELLS);
      for (; state.told < end; state.told++) context.tell(slow, state.to, 'take', state.told);
      context.tell(flooderProtocol, context.key, 'more', undefined);
      return null;
    },
  },
});

export type MetronomeMessages = {
  start: { readonly args: undefined; readonly reply: null };
  beat: { readonly args: undefined; readonly reply: null };
  stop: { readonly args: undefined; readonly reply: Beats };
};

/** How late its timers came. */
export interface Beats {
  readonly beats: number;
  readonly late: LatencySummary;
}

interface Beating {
  readonly late: LatencyRecorder;
  beats: number;
  dueAt: number;
}

export const metronome = actor<Beating, MetronomeMessages>({
  protocol: protocol<MetronomeMessages>('metronome', ['start', 'beat', 'stop']),
  state: () => ({ late: new LatencyRecorder(), beats: 0, dueAt: 0 }),
  messages: {
    start(context) {
      context.state = { late: new LatencyRecorder(), beats: 0, dueAt: performance.now() + BEAT_MS };
      context.schedule('beat', BEAT_MS, 'beat', undefined);
      return null;
    },
    beat(context) {
      const { state } = context;
      const now = performance.now();
      state.late.record(now - state.dueAt);
      state.beats++;
      state.dueAt = now + BEAT_MS;
      context.schedule('beat', BEAT_MS, 'beat', undefined);
      return null;
    },
    stop(context) {
      const { beats, late, dueAt } = context.state;
      context.cancel('beat');
      // A beat that has not come yet is late too.
      late.record(Math.max(0, performance.now() - dueAt));
      return { beats, late: late.summary() };
    },
  },
});
