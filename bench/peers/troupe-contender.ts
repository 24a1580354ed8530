// The project itself: one worker, where the senders are actors too.

import { createSystem } from '../../src/index.js';
import { auditor, driver } from '../actors/tally-kinds.js';
import type { Contender, Task } from './contender.js';
import { counter, runner } from './troupe-kinds.js';

const KINDS = ['../actors/tally-kinds.js', './troupe-kinds.js'];

export async function openTroupe(): Promise<Contender> {
  const system = await createSystem({ kinds: KINDS.map((file) => new URL(file, import.meta.url)), workers: 1 });
  const runsFor = (task: 'ping-pong' | 'spawn and stop') => (budgetMs: number) =>
    system.ref(runner, task).ask('run', { task, budgetMs });
  /** Those that ended are gone: what is left are the actors of the tasks. */
  const checkResidents = async (): Promise<void> => {
    const residents = (await system.status()).workers[0]?.residentActors ?? 0;
    if (residents > RESIDENTS_MAX) throw new Error(`${residents} actors are resident, of which most have ended`);
  };
  return {
    name: 'Troupe',
    runs: {
      tell: (budgetMs) => system.ref(driver, 'driver').ask('tellAll', { actors: 1, budgetMs }),
      ask: (budgetMs) => system.ref(runner, 'ask').ask('askAll', { budgetMs }),
      'ping-pong': runsFor('ping-pong'),
      'spawn and stop': runsFor('spawn and stop'),
    },
    async count(task: Task) {
      if (task === 'tell') return await system.ref(auditor, 'auditor').ask('total');
      if (task === 'spawn and stop') await checkResidents();
      return await system.ref(counter, task).ask('total');
    },
    close: () => system.stop(),
  };
}

/** Drivers, runners, counters, an auditor: no more than these. */
const RESIDENTS_MAX = 16;
