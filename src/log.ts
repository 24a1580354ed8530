// Log
//
// One JSON line for each thing worth telling, on stderr: stdout stays with what `troupe serve` prints for people.
//
// Owns:     the form of a line, its level, and that no secret is ever in one.
// Does not: decide what is worth a line. One for each request is debug; none for each message is info.
//
// L1. A member whose name says that it holds a secret is written as [redacted], however deep it lies.
// L2. Anything that looks like a token, in any text, names of members included, is written without its secret part.
// L3. A line is bounded: texts, members and depth past their bounds are cut, after L1 and L2 were seen to.
// L4. Writing does not wait for the reader: past BUFFERED_BYTES_MAX lines are dropped, never the server held up.

import { type DestinationStream, destination, pino } from 'pino';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** What happened, by name (`request`, `worker_lost`), and the facts. Values are made safe before they are written. */
export interface LogRecord {
  readonly event: string;
  readonly [member: string]: unknown;
}

export interface Log {
  error(record: LogRecord): void;
  warn(record: LogRecord): void;
  info(record: LogRecord): void;
  debug(record: LogRecord): void;
  /** Ask before building a record on a hot path. */
  readonly debugEnabled: boolean;
  /** Writes what is buffered, now. For the last moments of a process. */
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** In every line: which thread or role is speaking. */
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** Where lines go instead of stderr; each `write` is one line. */
  readonly destination?: { write(line: string): void };
}

const TEXT_LENGTH_MAX = 4096;
const MEMBERS_MAX = 100;
const DEPTH_MAX = 6;
const BUFFERED_BYTES_MAX = 1_048_576;
const REDACTED = '[redacted]';

const TOKEN = /(sk|at|ad)_live_[0-9a-z]+/gi;
const PASSWORD_HASH = /\$argon2[a-z]+\$[^\s"]*/gi;
/** Matched against a name without its underscores and hyphens, in lower case. */
const SECRET_NAME = /(authorization|token|apikey|hash|secret|password|cookie)$/;

export function createLog(options: LogOptions): Log {
  const sink: DestinationStream & { flushSync?(): void } =
    options.destination ?? destination({ fd: 2, sync: false, minLength: 0, maxLength: BUFFERED_BYTES_MAX });
  const logger = pino(
    {
      level: options.level,
      base: safeMembers(options.bindings ?? {}, 0),
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  return {
    error: (record) => logger.error(safeMembers(record, 0)),
    warn: (record) => logger.warn(safeMembers(record, 0)),
    info: (record) => logger.info(safeMembers(record, 0)),
    debug: (record) => {
      if (logger.isLevelEnabled('debug')) logger.debug(safeMembers(record, 0));
    },
    debugEnabled: logger.isLevelEnabled('debug'),
    flush: () => sink.flushSync?.(),
  };
}

/** A log that says nothing, for tests and for code that runs before there is one. */
export const silentLog: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  debugEnabled: false,
  flush: () => undefined,
};

function safeMembers(record: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  let left = MEMBERS_MAX;
  for (const [name, value] of Object.entries(record)) {
    if (left-- === 0) break;
    safe[safeText(name)] = holdsSecret(name, value) ? REDACTED : safeValue(value, depth + 1);
  }
  return safe;
}

/** A number or a yes is no secret, whatever it is called: `hashThreads`, `tokenKnown`. */
function holdsSecret(name: string, value: unknown): boolean {
  if (value == null || typeof value === 'number' || typeof value === 'boolean') return false;
  return SECRET_NAME.test(name.replace(/[_-]/g, '').toLowerCase());
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return safeText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth > DEPTH_MAX) return '[deep]';
  if (value instanceof Error) return safeError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.slice(0, MEMBERS_MAX).map((item) => safeValue(item, depth + 1));
  if (value instanceof Map) return safeMembers(Object.fromEntries(value), depth);
  if (value instanceof Set) return safeValue([...value], depth);
  return safeMembers(value, depth);
}

function safeError(error: Error, depth: number): Record<string, unknown> {
  return {
    ...safeMembers(error, depth),
    name: safeText(error.name),
    message: safeText(error.message),
    ...(error.stack === undefined ? {} : { stack: safeText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: safeValue(error.cause, depth + 1) }),
  };
}

function safeText(text: string): string {
  const safe = text.replace(TOKEN, '$1_live_[redacted]').replace(PASSWORD_HASH, '[hash]');
  return safe.length <= TEXT_LENGTH_MAX ? safe : `${safe.slice(0, TEXT_LENGTH_MAX)}…`;
}
