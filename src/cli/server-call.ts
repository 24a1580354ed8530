// Server call: one request of a command to a running server, and what is said when it does not answer as it should.

import { UsageError } from './command.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';
const REQUEST_TIMEOUT_MS = 30_000;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
  /** In place of REQUEST_TIMEOUT_MS. */
  readonly timeoutMs?: number;
}

/** Scheme, host and port; a path would be a misunderstanding. */
export function serverUrl(given = DEFAULT_URL): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    throw new UsageError(`--url must be like ${DEFAULT_URL}`);
  }
  return url.origin;
}

/** The members of the answer. Throws with what the server, or the network, has against it. */
export async function call(
  base: string,
  { method, path, token, body, timeoutMs = REQUEST_TIMEOUT_MS }: Call,
): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(base + path, {
    method,
    headers,
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${base} does not answer (${cause}). Is 'troupe serve' running there?`);
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text(answer, 'message')}`);
  return answer;
}

/** A member that must be a text. */
export function text(answer: Record<string, unknown>, member: string): string {
  const value = answer[member];
  if (typeof value !== 'string') throw new Error(`the server's answer has no ${member}: is it a Troupe server?`);
  return value;
}
