// A radio: keeps its listeners' asks open and gives them items, for tests in one thread and on real ones.

import {
  actor,
  type HandlerResult,
  LATER,
  protocol,
  type ReplyHandle,
  refuse,
  type Streamed,
} from '../../src/runtime/actor.js';

export type RadioMessages = {
  /** Told `greeting` in the turn that opens it, unless that is null. */
  readonly listen: { readonly args: string | null; readonly reply: Streamed<string> };
  /** Written down and told; how many it was told to. */
  readonly say: { readonly args: string; readonly reply: number };
  /** The same, and nothing is written. */
  readonly whisper: { readonly args: string; readonly reply: number };
  /** So many items in one turn. */
  readonly rush: { readonly args: number; readonly reply: number };
  /** The last item, and the end; with what was said too late. */
  readonly end: { readonly args: { readonly last: string; readonly refused: boolean }; readonly reply: null };
  readonly count: { readonly args: null; readonly reply: Streamed<number> };
  /** Generators that were ended, and what was said in this life. */
  readonly heard: {
    readonly args: null;
    readonly reply: { readonly ended: number; readonly said: readonly string[] };
  };
  /** Pushes, and throws. */
  readonly fail: { readonly args: null; readonly reply: null };
  readonly stop: { readonly args: null; readonly reply: null };
  readonly exit: { readonly args: null; readonly reply: null };
};

export const radioProtocol = protocol<RadioMessages>('radio', [
  'listen',
  'say',
  'whisper',
  'rush',
  'end',
  'count',
  'heard',
  'fail',
  'stop',
  'exit',
]);

interface RadioState {
  readonly listeners: ReplyHandle[];
  readonly said: string[];
  ended: number;
}

export const radio = actor<RadioState, RadioMessages>({
  protocol: radioProtocol,
  persistence: 'keys',
  tables: ['radio'],
  residentBytes: () => 1_000,
  supervision: { attemptsMax: 1, failuresMax: 2, backoffMsMin: 1, backoffMsMax: 1 },
  state: () => ({ listeners: [], said: [], ended: 0 }),
  messages: {
    listen(context, greeting) {
      const handle = context.replyHandle();
      if (handle === undefined) return refuse('BAD_REQUEST', { reason: 'a listener asks' });
      context.state.listeners.push(handle);
      if (greeting !== null) context.push(handle, greeting);
      return LATER;
    },
    say(context, item) {
      const { listeners, said } = context.state;
      said.push(item);
      context.store.put(['radio', context.key, item], item);
      return listeners.filter((handle) => context.push(handle, item)).length;
    },
    whisper: (context, item) => context.state.listeners.filter((handle) => context.push(handle, item)).length,
    rush(context, items) {
      let pushed = 0;
      for (const handle of context.state.listeners) {
        for (let i = 0; i < items; i++) if (context.push(handle, `${i}`)) pushed++;
      }
      return pushed;
    },
    end(context, { last, refused }) {
      for (const handle of context.state.listeners) {
        context.push(handle, last);
        context.reply(handle, refused ? refuse('CONFLICT', { reason: 'it is over' }) : null);
        context.push(handle, 'too late');
        context.reply(handle, null);
      }
      return null;
    },
    *count({ state }) {
      try {
        for (let i = 1; ; i++) yield i;
      } finally {
        state.ended++;
      }
    },
    heard: ({ state: { ended, said } }) => ({ ended, said }),
    fail(context) {
      for (const handle of context.state.listeners) context.push(handle, 'never');
      throw new RangeError('it was told to fail');
    },
    stop(context) {
      context.stop();
      return null;
    },
    exit: () => process.exit(3),
  },
});

/** A message that is answered by a stream may be answered later, and not with a value: else this does not compile. */
export const isTyped: string extends HandlerResult<Streamed<string>> ? false : true = true;
