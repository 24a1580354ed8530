// The refusals of the memory API, which have a shape of their own: `{"error": {code, message, details, request_id}}`.

import { type Static, Type } from './schema.js';

/** Every `code`, and the status that it comes with. */
export const memoryErrors = {
  validation_error: 422,
  missing_tenant: 400,
  missing_api_key: 401,
  invalid_api_key: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
} as const;

export type MemoryErrorCode = keyof typeof memoryErrors;

export const MemoryError = Type.Object({
  error: Type.Object({
    code: Type.String({ enum: Object.keys(memoryErrors), description: 'What kind of refusal this is; stable.' }),
    message: Type.String({ description: 'The same in words, for people; may change.' }),
    details: Type.Union([Type.Array(Type.Object({ field: Type.String(), message: Type.String() })), Type.Null()], {
      description: 'Of a validation_error: what is wrong, field by field.',
    }),
    request_id: Type.String(),
  }),
});
export type MemoryError = Static<typeof MemoryError>;
