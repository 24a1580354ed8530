// Errors
//
// Every error that Troupe tells anyone, in one table. Threads exchange `{code, params}`; the
// text, the status and the advice about retrying are looked up here. docs/errors.md is
// locked to this table by a test.
//
// Families (what a caller may do):
//   caller    the request is wrong; never retry it unchanged
//   pressure  a bound was reached; retry after the time given
//   delivery  it did not arrive, or nobody knows; retry only if it is idempotent or was not admitted
//   internal  we failed; the outcome is unknown and the detail stays in the log
// A defect (invariant.ts) is not in the table: it is a bug, and surfaces as INTERNAL.

export type ErrorFamily = 'caller' | 'pressure' | 'delivery' | 'internal';

interface ErrorEntry {
  readonly family: ErrorFamily;
  readonly status: number;
  /** The `error` member on the wire (contracts: kernel.md). */
  readonly wire: string;
  /** `{name}` is replaced by the parameter of that name. */
  readonly message: string;
  /** Milliseconds after which a retry is sensible, where the thrower does not know better. */
  readonly retryAfterMs?: number;
}

export const errorTable = {
  BAD_REQUEST: { family: 'caller', status: 400, wire: 'bad_request', message: 'The request is not valid: {reason}.' },
  UNAUTHORIZED: {
    family: 'caller',
    status: 401,
    wire: 'unauthorized',
    message: 'A valid {who} token is needed in the Authorization header.',
  },
  VERIFICATION_FAILED: {
    family: 'caller',
    status: 403,
    wire: 'verification_failed',
    message: 'The verification challenge was not met: {reason}.',
  },
  FORBIDDEN: { family: 'caller', status: 403, wire: 'forbidden', message: 'This is not allowed: {reason}.' },
  NOT_FOUND: { family: 'caller', status: 404, wire: 'not_found', message: 'There is no such {what}.' },
  METHOD_NOT_ALLOWED: {
    family: 'caller',
    status: 405,
    wire: 'method_not_allowed',
    message: 'This path answers {allow}.',
  },
  CONFLICT: {
    family: 'caller',
    status: 409,
    wire: 'conflict',
    message: 'The request conflicts with what is there: {reason}.',
  },
  EVENTS_ARCHIVED: {
    family: 'caller',
    status: 410,
    wire: 'events_archived',
    message: 'Events up to {archived} are in the archives: the event log begins behind since={archived}.',
  },
  VALUE_TOO_LARGE: {
    family: 'caller',
    status: 413,
    wire: 'value_too_large',
    message: '{what} is larger than {bytesMax} bytes.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    family: 'caller',
    status: 415,
    wire: 'unsupported_media_type',
    message: 'The body must be sent as Content-Type: application/json.',
  },
  RATE_LIMITED: {
    family: 'pressure',
    status: 429,
    wire: 'rate_limited',
    message: 'The limit for {what} is reached.',
    retryAfterMs: 1000,
  },
  INBOX_FULL: {
    family: 'pressure',
    status: 429,
    wire: 'rate_limited',
    message: 'The inbox of the recipient is full.',
    retryAfterMs: 1000,
  },
  OVERLOADED: {
    family: 'pressure',
    status: 503,
    wire: 'unavailable',
    message: 'The bound of {what} is reached.',
    retryAfterMs: 1000,
  },
  STORE_FULL: { family: 'pressure', status: 507, wire: 'store_full', message: 'The shared state is at its capacity.' },
  DRAINING: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'The server is stopping; nothing was accepted.',
    retryAfterMs: 1000,
  },
  WORKER_LOST: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'The worker that held this request was replaced; its outcome is not known.',
    retryAfterMs: 1000,
  },
  SLOT_MOVING: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'This address is being moved to a new worker; nothing was accepted.',
    retryAfterMs: 500,
  },
  QUARANTINED: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'The actor behind this address failed too often and was set aside: {reason}.',
    retryAfterMs: 30_000,
  },
  ASK_TIMEOUT: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'There was no answer in time; the outcome is not known.',
    retryAfterMs: 1000,
  },
  STOPPED: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'The actor behind this address ended before it answered.',
    retryAfterMs: 1000,
  },
  ASK_CYCLE: {
    family: 'caller',
    status: 409,
    wire: 'conflict',
    message: 'The ask would wait for itself: {path}.',
  },
  COMMIT_FAILED: {
    family: 'delivery',
    status: 503,
    wire: 'unavailable',
    message: 'The write could not be made durable; it did not happen.',
    retryAfterMs: 1000,
  },
  INTERNAL: {
    family: 'internal',
    status: 500,
    wire: 'internal_error',
    message: 'Something failed inside; see the log.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;
export type ErrorParams = Readonly<Record<string, string | number>>;

/** An error as threads exchange it: the text is looked up where it is shown. */
export interface Fault {
  readonly code: ErrorCode;
  readonly params?: ErrorParams;
}

export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly params: ErrorParams;

  constructor(code: ErrorCode, params: ErrorParams = {}, options?: { cause?: unknown }) {
    super(errorMessage(code, params), options);
    this.code = code;
    this.params = params;
  }

  get family(): ErrorFamily {
    return errorTable[this.code].family;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** Milliseconds after which a retry is sensible; undefined where a retry never is. */
  get retryAfterMs(): number | undefined {
    return retryAfterMs(this.code, this.params);
  }
}

/** The text of an error: the template with its parameters put in. */
export function errorMessage(code: ErrorCode, params: ErrorParams = {}): string {
  return errorTable[code].message.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? 'it'));
}

/** `params.retryAfterMs` where the thrower knew it, otherwise the table's. */
export function retryAfterMs(code: ErrorCode, params: ErrorParams = {}): number | undefined {
  if (typeof params.retryAfterMs === 'number') return params.retryAfterMs;
  const entry: ErrorEntry = errorTable[code];
  return entry.retryAfterMs;
}

/** What an error says, whatever was thrown: its stack, when it has one. */
export function errorText(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    return typeof error.stack === 'string' ? error.stack : String(error.message);
  } catch {
    return 'something was thrown that cannot be shown';
  }
}

/** What is told of an unknown error: its own code when it has one, INTERNAL when not. */
export function faultOf(error: unknown): Fault {
  if (error instanceof CodedError) return { code: error.code, params: error.params };
  return { code: 'INTERNAL' };
}
