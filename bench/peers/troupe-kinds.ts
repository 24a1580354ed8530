// Troupe kinds
//
// The kinds with which the project itself does the tasks of contender.ts, but for `tell` (actors/tally-kinds.ts).

import { actor, LATER, protocol } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';
import { ASKS_WAITING, CHUNK, type Done } from './contender.js';

export interface RunPlan {
  readonly task: 'ping-pong' | 'spawn and stop';
  readonly budgetMs: number;
}

export type RunnerMessages = {
  run: { readonly args: RunPlan; readonly reply: Done };
  handled: { readonly args: undefined; readonly reply: null };
  askAll: { readonly args: { readonly budgetMs: number }; readonly reply: Done };
};

export const runnerProtocol = protocol<RunnerMessages>('runner', ['run', 'handled', 'askAll']);

/** Counts for one task, which is its key. */
export const counter = actor({
  kind: 'counter',
  state: () => ({ count: 0 }),
  messages: {
    add: (context) => ++context.state.count,
    /** As `add`, and this runner hears of it. */
    addLast(context, runner: string) {
      context.state.count++;
      context.tell(runnerProtocol, runner, 'handled', undefined);
    },
    total: (context) => context.state.count,
  },
});

/** Handles one message and ends. `lastFor`: the runner that waits for this one. */
export const mayfly = actor({
  kind: 'mayfly',
  state: () => null,
  messages: {
    live(context, lastFor: string | null) {
      if (lastFor === null) context.tell(counter, 'spawn and stop', 'add', undefined);
      else context.tell(counter, 'spawn and stop', 'addLast', lastFor);
      context.stop();
    },
  },
});

interface Running {
  task: RunPlan['task'];
  /** Rounds or lives begun. */
  begun: number;
  lives: number;
  startedAt: number;
  deadline: number;
  handle: ReplyHandle | undefined;
}

export const runner = actor<Running, RunnerMessages>({
  protocol: runnerProtocol,
  state: () => ({ task: 'ping-pong', begun: 0, lives: 0, startedAt: 0, deadline: 0, handle: undefined }),
  messages: {
    run(context, { task, budgetMs }) {
      const startedAt = performance.now();
      const { lives } = context.state;
      const handle = context.replyHandle();
      context.state = { task, begun: 0, lives, startedAt, deadline: startedAt + budgetMs, handle };
      context.tell(runnerProtocol, context.key, 'handled', undefined);
      return LATER;
    },
    /** All that was begun is handled. */
    handled(context) {
      const { state, key } = context;
      if (state.begun > 0 && state.begun % CHUNK === 0) {
        const now = performance.now();
        if (now >= state.deadline) {
          context.reply(state.handle!, { operations: state.begun, elapsedMs: now - state.startedAt } satisfies Done);
          return null;
        }
      }
      if (state.task === 'ping-pong') {
        state.begun++;
        context.tell(counter, 'ping-pong', 'addLast', key);
        return null;
      }
      for (let made = 1; made <= CHUNK; made++) {
        context.tell(mayfly, `mayfly-${state.lives++}`, 'live', made === CHUNK ? key : null);
      }
      state.begun += CHUNK;
      return null;
    },
    async askAll(context, { budgetMs }) {
      const startedAt = performance.now();
      const ask = () => context.ask(counter, 'ask', 'add', undefined, { durability: 'volatile' });
      let operations = 0;
      while (performance.now() - startedAt < budgetMs) {
        const answers = await Promise.all(Array.from({ length: ASKS_WAITING }, ask));
        const refused = answers.find(({ ok }) => !ok);
        if (refused !== undefined) throw new Error(`An ask was refused: ${JSON.stringify(refused)}`);
        operations += ASKS_WAITING;
      }
      return { operations, elapsedMs: performance.now() - startedAt };
    },
  },
});
