// The part of the OpenAPI document that describes the memory API, whose refusals have a shape of their own.

import { type MemoryErrorCode, memoryErrors } from './memory-errors.js';
import { type MemoryRoute, memoryComponents } from './memory-routes.js';
import type { TSchema } from './schema.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
export type JsonObject = { readonly [member: string]: Json };

export const MEMORY_KEY_SCHEME: Json = {
  type: 'apiKey',
  in: 'header',
  name: 'X-API-Key',
  description: 'One of `memory.api_keys`; not needed where there are none.',
};

/** Any call may meet these, but those that are open to anyone. */
const EVERYWHERE: readonly MemoryErrorCode[] = [
  'validation_error',
  'missing_tenant',
  'missing_api_key',
  'invalid_api_key',
  'not_found',
  'rate_limited',
  'internal_error',
  'unavailable',
];
const OF_BODIES: readonly MemoryErrorCode[] = ['conflict', 'payload_too_large'];

export function memoryOperation(name: string, route: MemoryRoute): Json {
  const refusals = route.access === 'open' ? [] : route.body === undefined ? EVERYWHERE : [...EVERYWHERE, ...OF_BODIES];
  return {
    operationId: `memory.${name}`,
    summary: route.summary,
    security: securityOf(route),
    parameters: parametersOf(route),
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: reference(route.body) } } },
    }),
    responses: {
      [String(route.status)]: {
        description: route.summary,
        headers: { 'X-Request-ID': { $ref: '#/components/headers/X-Request-ID' } },
        content: { 'application/json': { schema: reference(route.answer) } },
      },
      ...Object.fromEntries(refusals.map((code) => [String(memoryErrors[code]), refusal(code)])),
    },
  };
}

function securityOf({ access }: MemoryRoute): Json {
  switch (access) {
    case 'open':
      return [];
    case 'key':
      return [{ memoryKey: [] }, { agent: [] }];
    case 'admin':
      return [{ admin: [] }];
    default:
      return access satisfies never;
  }
}

function parametersOf(route: MemoryRoute): Json[] {
  const list: Json[] = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1] as string,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = route.query as { properties: Record<string, TSchema>; required?: readonly string[] } | undefined;
  for (const [name, schema] of Object.entries(query?.properties ?? {})) {
    list.push({ name, in: 'query', required: query?.required?.includes(name) === true, schema: plain(schema) });
  }
  list.push({ $ref: '#/components/parameters/RequestId' });
  if (route.access !== 'open') {
    list.push({
      name: 'X-Tenant-ID',
      in: 'header',
      required: false,
      description: 'The tenant; needed with `memory.require_tenant`.',
      schema: { type: 'string' },
    });
  }
  return list;
}

function refusal(code: MemoryErrorCode): Json {
  const isTimed = code === 'rate_limited' || code === 'unavailable';
  return {
    description: code,
    headers: {
      'X-Request-ID': { $ref: '#/components/headers/X-Request-ID' },
      ...(isTimed && { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }),
    },
    content: { 'application/json': { schema: { $ref: '#/components/schemas/MemoryError' } } },
  };
}

function reference(schema: TSchema): Json {
  const named = Object.entries(memoryComponents).find(([, component]) => component === schema);
  return named === undefined ? plain(schema) : { $ref: `#/components/schemas/${named[0]}` };
}

/** Only what JSON keeps: what typebox notes for itself stays behind. */
function plain(schema: TSchema): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}
