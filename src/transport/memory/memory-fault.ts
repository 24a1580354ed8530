// Memory fault
//
// Why a call of the memory API is refused, and how a fault of the rest of the server is told there.

import type { MemoryErrorCode } from '../../contract/memory-errors.js';
import type { MemberFault } from '../../contract/schema.js';
import { errorMessage, errorTable, type Fault, retryAfterMs } from '../../errors.js';

export interface MemoryFault {
  readonly code: MemoryErrorCode;
  readonly message: string;
  readonly details?: readonly MemberFault[];
  /** Whole seconds, at least 1. */
  readonly retryAfterS?: number;
  readonly allow?: string;
}

const RETRY_AFTER_MS_DEFAULT = 1_000;

/** What is wrong with one field. */
export function invalid(field: string, message: string): MemoryFault {
  return invalidFields([{ field, message }]);
}

export function invalidFields(details: readonly MemberFault[]): MemoryFault {
  const first = details[0]?.message ?? 'it is not as described';
  return { code: 'validation_error', message: `The request is not valid: ${first}.`, details };
}

export function unavailable(message: string): MemoryFault {
  return { code: 'unavailable', message, retryAfterS: 1 };
}

/** A fault of the runtime or of the gate. */
export function memoryFaultOf({ code, params }: Fault): MemoryFault {
  const message = errorMessage(code, params);
  switch (errorTable[code].status) {
    case 400:
      return { code: 'validation_error', message };
    case 401:
      return { code: 'missing_api_key', message };
    case 403:
      return { code: 'invalid_api_key', message };
    case 404:
      return { code: 'not_found', message };
    case 409:
      return { code: 'conflict', message };
    case 413:
      return { code: 'payload_too_large', message };
    case 429:
      return { code: 'rate_limited', message, retryAfterS: retryAfterS(code, params) };
    case 503:
    case 507:
      return { code: 'unavailable', message, retryAfterS: retryAfterS(code, params) };
    default:
      return { code: 'internal_error', message };
  }
}

function retryAfterS(code: Fault['code'], params: Fault['params']): number {
  return Math.max(1, Math.ceil((retryAfterMs(code, params) ?? RETRY_AFTER_MS_DEFAULT) / 1000));
}
