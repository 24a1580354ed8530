// No library: handlers in a Map and one queue that a loop empties. No bounds, no supervision, no failures: the floor.

import { askInTurn, type Contender, inChunks, type Task } from './contender.js';

interface Said {
  readonly to: string;
  readonly message: 'add' | 'addLast' | 'handled';
  readonly from: string;
}

type Handle = (said: Said) => void;

export function openBare(): Contender {
  const handlers = new Map<string, Handle>();
  const counts: Record<Task, number> = { tell: 0, ask: 0, 'ping-pong': 0, 'spawn and stop': 0 };
  const queue: Said[] = [];
  let roundsLeft = 0;
  let lives = 0;
  const say = (to: string, message: Said['message'], from: string): void => {
    queue.push({ to, message, from });
  };
  const run = (): void => {
    for (let next = 0; next < queue.length; next++) handlers.get(queue[next]!.to)?.(queue[next]!);
    queue.length = 0;
  };
  const tally =
    (task: Task): Handle =>
    ({ to, message, from }) => {
      counts[task]++;
      if (message === 'addLast') say(from, 'handled', to);
    };
  handlers.set('tell', tally('tell'));
  handlers.set('ping-pong', tally('ping-pong'));
  handlers.set('spawn and stop', tally('spawn and stop'));
  handlers.set('player', () => {
    if (--roundsLeft > 0) say('ping-pong', 'addLast', 'player');
  });
  return {
    name: 'no library',
    runs: {
      tell: inChunks(async (count) => {
        for (let told = 0; told < count; told++) say('tell', 'add', 'teller');
        run();
      }),
      ask: inChunks((count) => askInTurn(count, async () => ++counts.ask)),
      'ping-pong': inChunks(async (count) => {
        roundsLeft = count;
        say('ping-pong', 'addLast', 'player');
        run();
      }),
      'spawn and stop': inChunks(async (count) => {
        for (let made = 0; made < count; made++) {
          const key = `mayfly-${lives++}`;
          handlers.set(key, ({ to }) => {
            say('spawn and stop', 'add', to);
            handlers.delete(to);
          });
          say(key, 'add', 'spawner');
        }
        run();
      }),
    },
    count: async (task) => counts[task],
    close: async () => handlers.clear(),
  };
}
