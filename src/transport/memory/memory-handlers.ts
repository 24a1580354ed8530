// Memory handlers: every route of the memory API, put together from the files that hold them.

import type { Alive, MemoryVersion } from '../../contract/memory.js';
import { compileRoutes } from './compile-routes.js';
import { episodeRoutes } from './episode-routes.js';
import { jobRoutes } from './job-routes.js';
import { memoryAdminRoutes } from './memory-admin-routes.js';
import type { MemoryContext } from './memory-context.js';
import type { MemoryHandler, MemoryHandlers } from './memory-door.js';
import { portableRoutes } from './portable-routes.js';
import { readinessRoutes } from './readiness-routes.js';
import { recallRoutes } from './recall-routes.js';
import { resolutionRoutes } from './resolution-routes.js';
import { subjectRoutes } from './subject-routes.js';
import { supportRoutes } from './support-routes.js';

const ALIVE: Alive = { status: 'ok' };
const alive: MemoryHandler = (_context, call) => call.json(200, ALIVE);

/** `context` is only read for what never changes: the version. */
export function memoryHandlers({ version }: Pick<MemoryContext, 'version'>): MemoryHandlers {
  const known: MemoryVersion = { version, api_contract: 'v1' };
  return {
    ...episodeRoutes,
    ...compileRoutes,
    ...jobRoutes,
    ...subjectRoutes,
    ...recallRoutes,
    ...portableRoutes,
    ...supportRoutes,
    ...resolutionRoutes,
    ...readinessRoutes(),
    ...memoryAdminRoutes,
    memoryVersion: (_context, call) => call.json(200, known),
    alive,
    aliveToo: alive,
  };
}
