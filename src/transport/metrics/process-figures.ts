// Process figures
//
// What this process takes of the machine, as the system tells it.

import { availableParallelism, totalmem } from 'node:os';
import type { ProcessFigures } from './metrics-source.js';

const US_PER_MS = 1000;
const MS_PER_S = 1000;

export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / US_PER_MS,
    cores: availableParallelism(),
    rssBytes: process.memoryUsage.rss(),
    ramBytes: ramBytes(),
    startedAt: Date.now() - process.uptime() * MS_PER_S,
  };
}

/** What a container allows, where that is less than the machine has. */
function ramBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
