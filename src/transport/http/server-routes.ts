// Server routes: what anyone may know of the server.

import { openApiDocument } from '../../contract/openapi.js';
import type { Health } from '../../contract/server.js';
import type { RouteHandler } from './route-handler.js';

/** The document is made once, here. */
export function serverRoutes(version: string): Readonly<Record<'health' | 'openapi', RouteHandler>> {
  const document = openApiDocument(version);
  const healthy: Health = { status: 'ok', version };
  return {
    health: (_context, call) => call.json(200, healthy),
    openapi: (_context, call) => call.json(200, document),
  };
}
