// OpenAPI
//
// The OpenAPI 3.1 document of this server, made from the list of routes. Schemas are JSON Schema already, so they
// go in as they are, named where they have a name. Parameters and headers are those that the contract speaks of.

import { type ErrorCode, errorTable } from '../errors.js';
import { ErrorAnswer } from './error-answer.js';
import { type Json, type JsonObject, MEMORY_KEY_SCHEME, memoryOperation } from './memory-openapi.js';
import { memoryComponents, memoryRoutes } from './memory-routes.js';
import { type Auth, components, type Route, type RouteName, routes } from './routes.js';
import type { TSchema } from './schema.js';

/** Any call may meet these, whatever it does. */
const EVERYWHERE: readonly ErrorCode[] = ['BAD_REQUEST', 'INTERNAL', 'DRAINING'];

const tokenOf: Readonly<Record<Exclude<Auth, 'none'>, string>> = {
  operator: 'sk_live_ and 64 hex digits, from POST /v1/operators',
  agent: 'at_live_ and 64 hex digits, from POST /v1/agents',
  admin: 'ad_live_ and 64 hex digits, from the config or made on the first start',
};

const header = (description: string, type: 'string' | 'integer' = 'string'): Json => ({
  description,
  schema: { type },
});

const headers = {
  'X-Request-ID': header("The client's own, or a new one."),
  'X-RateLimit-Limit': header('How many calls of this class a minute has.', 'integer'),
  'X-RateLimit-Remaining': header('How many are left.', 'integer'),
  'X-RateLimit-Reset': header('When all are there again, in unix seconds.', 'integer'),
  'Retry-After': header('Whole seconds, at least 1.', 'integer'),
  ETag: header('The version of the value, in quotes.'),
  'Idempotency-Replayed': header('`true` when this is the first answer again.'),
  Allow: header('The methods that this path answers.'),
} as const satisfies Record<string, Json>;

const parameters = {
  IdempotencyKey: parameter('Idempotency-Key', 'A repeat within 24 h gets the first answer; 1 to 255 visible ASCII.'),
  RequestId: parameter('X-Request-ID', 'Comes back in the answer and stands in the log.'),
  IfMatch: parameter(
    'If-Match',
    'Only if this is the current etag (quoted), or, with `*`, if there is a value at all.',
  ),
  IfNoneMatch: parameter('If-None-Match', 'Only `*`: only if there is no value yet.'),
} as const satisfies Record<string, Json>;

function parameter(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

/** The whole document. Built once; costs a millisecond. */
export function openApiDocument(version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operation(name, route);
    paths[route.path] = path;
  }
  for (const [name, route] of Object.entries(memoryRoutes)) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = memoryOperation(name, route);
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Troupe',
      version,
      description:
        'Addresses, durable inboxes, shared state and memory for agents. `GET /v1/session` with an upgrade to WebSocket is the live end of an inbox: docs/sessions.md; `GET /observe/events/stream` is that of the event log, as `GET /observe/events/sse` without one: docs/observation.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries({ ...components, ...memoryComponents, ErrorAnswer }).map(([name, schema]) => [
          name,
          plain(schema),
        ]),
      ),
      headers,
      parameters,
      securitySchemes: {
        ...Object.fromEntries(
          Object.entries(tokenOf).map(([who, description]) => [who, { type: 'http', scheme: 'bearer', description }]),
        ),
        memoryKey: MEMORY_KEY_SCHEME,
      },
    },
  };
}

function operation(name: RouteName, route: Route): Json {
  const writes = route.method === 'POST' || route.method === 'PUT';
  const errors = new Set<ErrorCode>([...EVERYWHERE, ...route.errors]);
  if (route.auth !== 'none') errors.add('UNAUTHORIZED').add('OVERLOADED');
  if (writes) errors.add('UNSUPPORTED_MEDIA_TYPE').add('VALUE_TOO_LARGE').add('CONFLICT');
  if (route.path === '/v1/health' || route.path === '/openapi.json') errors.clear();
  return {
    operationId: name,
    summary: route.summary,
    security: route.auth === 'none' ? [] : [{ [route.auth]: [] }],
    parameters: parametersOf(route, writes),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: reference(route.body) } } } }),
    responses: { [String(route.status)]: success(route, writes), ...failures(errors, route) },
  };
}

function parametersOf(route: Route, writes: boolean): Json[] {
  const list: Json[] = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1] as string,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(route.tail ? { description: 'URL-decoded once; `/` may stand in it as it is.' } : {}),
  }));
  for (const [name, schema] of Object.entries(members(route.query))) {
    list.push({ name, in: 'query', required: false, schema: plain(schema) });
  }
  list.push({ $ref: '#/components/parameters/RequestId' });
  if (writes) list.push({ $ref: '#/components/parameters/IdempotencyKey' });
  if (route.conditional !== undefined) list.push({ $ref: '#/components/parameters/IfMatch' });
  if (route.conditional === 'put') list.push({ $ref: '#/components/parameters/IfNoneMatch' });
  return list;
}

function success(route: Route, writes: boolean): Json {
  const names: (keyof typeof headers)[] = ['X-Request-ID'];
  if (route.auth !== 'none') names.push('X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset');
  if (writes) names.push('Idempotency-Replayed');
  if (route === routes.getState || route === routes.putState) names.push('ETag');
  return {
    description: route.summary,
    headers: headerReferences(names),
    content: { [route.media ?? 'application/json']: { schema: reference(route.answer) } },
  };
}

function failures(codes: ReadonlySet<ErrorCode>, route: Route): Record<string, Json> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = errorTable[code].status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: Record<string, Json> = {};
  for (const [status, same] of [...byStatus].sort(([a], [b]) => a - b)) {
    const names: (keyof typeof headers)[] = ['X-Request-ID'];
    if (status === 429 || status === 503) names.push('Retry-After');
    if (status === 409 && route.conditional !== undefined) names.push('ETag');
    responses[String(status)] = {
      description: same.map((code) => errorTable[code].message).join(' '),
      headers: headerReferences(names),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorAnswer' } } },
    };
  }
  return responses;
}

function headerReferences(names: readonly (keyof typeof headers)[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** A reference where the schema has a name, itself where it has none. */
function reference(schema: TSchema): Json {
  const named = Object.entries(components).find(([, component]) => component === schema);
  return named === undefined ? plain(schema) : { $ref: `#/components/schemas/${named[0]}` };
}

function members(schema: TSchema | undefined): Record<string, TSchema> {
  return schema === undefined ? {} : (schema as unknown as { properties: Record<string, TSchema> }).properties;
}

/** Only what JSON keeps: what typebox notes for itself stays behind. */
function plain(schema: TSchema): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}
