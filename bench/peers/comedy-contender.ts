// comedy: actors in memory, its fastest mode; a message is a promise (Bluebird), and an actor has no mailbox: what it is
// told runs as soon as the promise does.

import { askInTurn, type Contender, driven, inChunks, type Task } from './contender.js';
import { loadPeer } from './installed.js';

interface Ref {
  send(topic: string, ...message: readonly unknown[]): PromiseLike<unknown>;
  sendAndReceive(topic: string, ...message: readonly unknown[]): PromiseLike<unknown>;
  createChild(definition: object): Promise<Ref>;
  destroy(): Promise<void>;
}

interface ComedySystem {
  rootActor(): Promise<Ref>;
  destroy(): Promise<void>;
}

/** `test` makes it silent. */
type Comedy = (options: { readonly test: boolean }) => ComedySystem;

class Tally {
  #count = 0;

  add(): number {
    return ++this.#count;
  }

  addLast(from: Ref): void {
    this.#count++;
    from.send('handled');
  }

  total(): number {
    return this.#count;
  }
}

/** Tells, or plays with, the actor that it is given. */
class Driver {
  #self: Ref | undefined;
  #done: () => void = () => undefined;
  #roundsLeft = 0;
  #partner: Ref | undefined;

  initialize(self: Ref): void {
    this.#self = self;
  }

  tell(to: Ref, count: number, done: () => void): void {
    this.#done = done;
    this.#roundsLeft = 1;
    for (let told = 1; told < count; told++) to.send('add');
    to.send('addLast', this.#self);
  }

  play(partner: Ref, count: number, done: () => void): void {
    this.#done = done;
    this.#roundsLeft = count;
    this.#partner = partner;
    partner.send('addLast', this.#self);
  }

  handled(): void {
    if (--this.#roundsLeft === 0) this.#done();
    else this.#partner!.send('addLast', this.#self);
  }
}

class Mayfly {
  live(registry: Ref): PromiseLike<unknown> {
    return registry.sendAndReceive('add');
  }
}

export async function openComedy(): Promise<Contender | undefined> {
  const peer = loadPeer<Comedy>('comedy');
  if (peer === undefined) return undefined;
  const system = peer.library({ test: true });
  const root = await system.rootActor();
  const tallies: Record<Task, Ref> = {
    tell: await root.createChild(Tally),
    ask: await root.createChild(Tally),
    'ping-pong': await root.createChild(Tally),
    'spawn and stop': await root.createChild(Tally),
  };
  const driver = await root.createChild(Driver);
  const driving = (topic: 'tell' | 'play', to: Ref) =>
    driven((count, done) => void driver.send(topic, to, count, done));
  return {
    name: `comedy ${peer.version}`,
    runs: {
      tell: driving('tell', tallies.tell),
      ask: inChunks((count) => askInTurn(count, () => tallies.ask.sendAndReceive('add'))),
      'ping-pong': driving('play', tallies['ping-pong']),
      'spawn and stop': inChunks(async (count) => {
        const lives = Array.from({ length: count }, async () => {
          const actor = await root.createChild(Mayfly);
          await actor.sendAndReceive('live', tallies['spawn and stop']);
          await actor.destroy();
        });
        await Promise.all(lives);
      }),
    },
    count: async (task) => (await tallies[task].sendAndReceive('total')) as number,
    close: () => system.destroy(),
  };
}
