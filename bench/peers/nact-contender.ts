// nact: a mailbox for each actor and one loop turn (setImmediate) for each message; `query` asks, with a time limit.

import { askInTurn, type Contender, driven, inChunks, type Task } from './contender.js';
import { loadPeer } from './installed.js';

type Ref = object;

interface NactContext {
  readonly self: Ref;
  readonly sender: Ref;
}

interface Nact {
  start(): Ref;
  spawn<S, M>(
    parent: Ref,
    handle: (state: S | undefined, message: M, context: NactContext) => S,
    name?: string,
    properties?: { readonly initialState: S },
  ): Ref;
  spawnStateless<M>(parent: Ref, handle: (message: M, context: NactContext) => unknown, name?: string): Ref;
  dispatch(to: Ref, message: unknown, sender?: Ref): void;
  query(to: Ref, message: unknown, timeoutMs: number): Promise<unknown>;
  stop(actor: Ref): void;
}

type Said = { readonly kind: 'add' | 'add-last' | 'ask' | 'count' | 'drive' | 'handled'; readonly count?: number };

const QUERY_TIMEOUT_MS = 30_000;

export function openNact(): Contender | undefined {
  const peer = loadPeer<Nact>('nact');
  if (peer === undefined) return undefined;
  const nact = peer.library;
  const system = nact.start();
  let done: () => void = () => undefined;

  const tally = (): Ref =>
    nact.spawn<number, Said>(
      system,
      (count = 0, { kind }, { self, sender }) => {
        if (kind === 'count') {
          nact.dispatch(sender, count, self);
          return count;
        }
        if (kind === 'add-last') nact.dispatch(sender, { kind: 'handled' }, self);
        if (kind === 'ask') nact.dispatch(sender, count + 1, self);
        return count + 1;
      },
      undefined,
      { initialState: 0 },
    );
  const tallies: Record<Task, Ref> = { tell: tally(), ask: tally(), 'ping-pong': tally(), 'spawn and stop': tally() };

  const teller = nact.spawnStateless<Said>(system, ({ kind, count = 0 }, { self }) => {
    if (kind === 'handled') return done();
    for (let told = 1; told < count; told++) nact.dispatch(tallies.tell, { kind: 'add' }, self);
    nact.dispatch(tallies.tell, { kind: 'add-last' }, self);
  });
  const player = nact.spawn<number, Said>(system, (left = 0, { kind, count }, { self }) => {
    const rest = kind === 'drive' ? count! : left - 1;
    if (rest === 0) done();
    else nact.dispatch(tallies['ping-pong'], { kind: 'add-last' }, self);
    return rest;
  });
  // Each of them counts once for all, where the last of a chunk is heard of.
  const live = (isLast: boolean): void => {
    const mayfly = nact.spawnStateless<Said>(system, ({ kind }, { self }) => {
      nact.dispatch(tallies['spawn and stop'], { kind }, listener);
      nact.stop(self);
    });
    nact.dispatch(mayfly, { kind: isLast ? 'add-last' : 'add' });
  };
  const listener = nact.spawnStateless<Said>(system, () => done());

  const driving = (begin: (count: number) => void) =>
    driven((count, isDone) => {
      done = isDone;
      begin(count);
    });
  return {
    name: `nact ${peer.version}`,
    runs: {
      tell: driving((count) => nact.dispatch(teller, { kind: 'drive', count })),
      ask: inChunks((count) => askInTurn(count, () => nact.query(tallies.ask, { kind: 'ask' }, QUERY_TIMEOUT_MS))),
      'ping-pong': driving((count) => nact.dispatch(player, { kind: 'drive', count })),
      'spawn and stop': driving((count) => {
        for (let lives = 1; lives <= count; lives++) live(lives === count);
      }),
    },
    count: async (task) => (await nact.query(tallies[task], { kind: 'count' }, QUERY_TIMEOUT_MS)) as number,
    close: async () => nact.stop(system),
  };
}
