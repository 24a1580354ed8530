// xstate: actors from transition functions, its lightest; `send` runs them at once when nothing of theirs is running. It
// has no ask: an actor that answers is told whom to tell, which is the ping-pong.

import { type Contender, driven, inChunks, type Task } from './contender.js';
import { loadPeer } from './installed.js';

interface Ref<S = unknown> {
  start(): this;
  stop(): this;
  send(event: Said): void;
  getSnapshot(): { readonly context: S };
}

type Said =
  | { readonly type: 'add' }
  | { readonly type: 'addLast'; readonly from: Ref }
  | { readonly type: 'drive'; readonly count: number }
  | { readonly type: 'handled' };

interface Xstate {
  fromTransition<S>(transition: (state: S, event: Said, scope: { readonly self: Ref }) => S, initial: S): unknown;
  createActor<S>(logic: unknown): Ref<S>;
}

interface Count {
  readonly count: number;
}

export function openXstate(): Contender | undefined {
  const peer = loadPeer<Xstate>('xstate');
  if (peer === undefined) return undefined;
  const { createActor, fromTransition } = peer.library;
  let done: () => void = () => undefined;

  const tallyLogic = fromTransition<Count>(
    ({ count }, event) => {
      if (event.type === 'addLast') event.from.send({ type: 'handled' });
      return { count: count + 1 };
    },
    { count: 0 },
  );
  const tally = (): Ref<Count> => createActor<Count>(tallyLogic).start();
  const tallies: Partial<Record<Task, Ref<Count>>> = { tell: tally(), 'ping-pong': tally(), 'spawn and stop': tally() };
  const told = tallies.tell!;
  const partner = tallies['ping-pong']!;
  const registry = tallies['spawn and stop']!;

  const teller = createActor(
    fromTransition<null>((_state, event, { self }) => {
      if (event.type === 'handled') done();
      if (event.type !== 'drive') return null;
      for (let tells = 1; tells < event.count; tells++) told.send({ type: 'add' });
      told.send({ type: 'addLast', from: self });
      return null;
    }, null),
  ).start();
  const player = createActor(
    fromTransition<Count>(
      ({ count }, event, { self }) => {
        const left = event.type === 'drive' ? event.count : count - 1;
        if (left === 0) done();
        else partner.send({ type: 'addLast', from: self });
        return { count: left };
      },
      { count: 0 },
    ),
  ).start();
  const mayfly = fromTransition<null>((_state, event) => {
    // Its own end comes as an event too.
    if (event.type === 'add') registry.send(event);
    return null;
  }, null);

  const driving = (begin: (count: number) => void) =>
    driven((count, isDone) => {
      done = isDone;
      begin(count);
    });
  return {
    name: `xstate ${peer.version}`,
    runs: {
      tell: driving((count) => teller.send({ type: 'drive', count })),
      'ping-pong': driving((count) => player.send({ type: 'drive', count })),
      'spawn and stop': inChunks(async (count) => {
        for (let lives = 0; lives < count; lives++) {
          const actor = createActor(mayfly).start();
          actor.send({ type: 'add' });
          actor.stop();
        }
      }),
    },
    count: async (task) => tallies[task]?.getSnapshot().context.count ?? 0,
    async close() {
      for (const actor of [teller, player, told, partner, registry]) actor.stop();
    },
  };
}
