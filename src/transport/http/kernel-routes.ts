// Kernel routes
//
// The handlers of every route of the contract, by name, put together from the files that hold them.

import { observeRoutes } from '../observation/observe-routes.js';
import { adminRoutes } from './admin-routes.js';
import { agentCareRoutes } from './agent-care-routes.js';
import type { HttpContext } from './http-context.js';
import { messageRoutes } from './message-routes.js';
import { metricsRoutes } from './metrics-routes.js';
import { operatorRoutes } from './operator-routes.js';
import { registryRoutes } from './registry-routes.js';
import { removalRoutes } from './removal-routes.js';
import type { RouteHandlers } from './route-handler.js';
import { serverRoutes } from './server-routes.js';
import { stateRoutes } from './state-routes.js';

/** A handler for each route. `context` is only read for what never changes: the version. */
export function routeHandlers(context: Pick<HttpContext, 'version'>): RouteHandlers {
  return {
    ...serverRoutes(context.version),
    ...operatorRoutes,
    ...agentCareRoutes,
    ...registryRoutes,
    ...messageRoutes,
    ...stateRoutes,
    ...adminRoutes,
    ...metricsRoutes,
    ...removalRoutes,
    ...observeRoutes,
  };
}
