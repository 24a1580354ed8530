// Connect
//
// From the URL of a server to a session that is live.

import { AgentSession, type ConnectOptions } from './agent-session.js';
import { PATH } from './frames.js';
import { timeoutOf } from './retrying.js';
import type { OpenSocket } from './socket.js';
import { TroupeError } from './troupe-error.js';

const WINDOW_MAX = 1024;
/** Until the first session is live. */
const CONNECT_TIMEOUT_MS_DEFAULT = 60_000;
const SOCKET_PROTOCOLS: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
};

export type Connect = (url: string | URL, options: ConnectOptions) => Promise<AgentSession>;

/**
 * `connect` for one environment. It resolves when the first session is live, and tries until `timeoutMs` is over, 60 s when
 * nothing is said. The signal is for the whole life of the session: aborting it ends the session with `aborted`.
 */
export function connectWith(openSocket: OpenSocket): Connect {
  return async (url, options) => {
    check(options);
    const timeoutMs = timeoutOf(options, CONNECT_TIMEOUT_MS_DEFAULT);
    const session = new AgentSession(sessionUrl(url), options, openSocket);
    await firstLive(session, timeoutMs);
    return session;
  };
}

function firstLive(session: AgentSession, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let last: unknown;
    const late = setTimeout(() => {
      leave();
      session.close();
      reject(new TroupeError('timeout', `No session became live within ${timeoutMs} ms.`, { cause: last }));
    }, timeoutMs);
    const leave = session.onStatus((status) => {
      if (status.kind === 'waiting') last = status.reason;
      if (status.kind !== 'live' && status.kind !== 'closed') return;
      clearTimeout(late);
      leave();
      if (status.kind === 'live') resolve();
      else reject(status.error ?? new TroupeError('closed', 'The session was closed on this side.'));
    });
    // Aborted before it began.
    if (session.status.kind === 'closed') {
      clearTimeout(late);
      reject(session.status.error);
    }
  });
}

function check({ token, window = 1 }: ConnectOptions): void {
  if (typeof token !== 'string' || token === '') throw new TroupeError('bad_request', 'A token is needed.');
  if (Number.isInteger(window) && window >= 1 && window <= WINDOW_MAX) return;
  throw new TroupeError('bad_request', `window must be a whole number from 1 to ${WINDOW_MAX}.`);
}

/** The URL of a server, with `http`, `https`, `ws` or `wss`, becomes that of its sessions. */
export function sessionUrl(server: string | URL): string {
  const url = serverUrl(server);
  url.protocol = SOCKET_PROTOCOLS[url.protocol] ?? url.protocol;
  url.pathname = pathOf(url) + PATH;
  return url.href;
}

/** Where a server is. A token has no place in it. */
export function serverUrl(server: string | URL): URL {
  let url: URL;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new TroupeError('bad_request', 'This is no URL.', { cause });
  }
  const isPlain = `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (SOCKET_PROTOCOLS[url.protocol] === undefined || !isPlain) {
    throw new TroupeError('bad_request', 'The URL of a server is http or https, a host and a path, and nothing else.');
  }
  return url;
}

/** Without a slash at its end. */
export function pathOf(server: URL): string {
  return server.pathname.replace(/\/+$/, '');
}
