// Event follower
//
// The stream of events of a running server, event by event, for as long as the server is there: a stream that the server
// ends is begun again where it ended. Not by the client's socket, which is that of browsers and sends no Authorization.
//
// EF1. Each event is handed on once and in order, whatever the number of streams it took; the next is not read from the
//      socket before the one before was taken.

import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { STREAM_PATH, type StreamCutOff } from '../contract/observe.js';

const REOPEN_AFTER_MS = 1_000;

export interface FollowOptions {
  /** Scheme, host and port. */
  readonly base: string;
  readonly token: string | undefined;
  /** Null: from now on. */
  readonly since: number | null;
  readonly types: string | undefined;
  readonly agent: string | undefined;
  readonly take: (json: string) => Promise<void>;
}

/** Rejects when the server refuses, stops, or goes away; otherwise never ends, but by what `take` throws. */
export async function follow(options: FollowOptions): Promise<never> {
  let { since } = options;
  for (;;) {
    const end = await followOnce(options, since, (seq) => {
      since = seq;
    });
    if (end.reason === 'draining') throw new Error(`${options.base} stops; go on with --since ${end.resume_after_seq}`);
    if (end.reason === 'archived') {
      const upTo = end.resume_after_seq;
      throw new Error(
        `events up to ${upTo} are archived: export them (troupe events export), and go on with --since ${upTo}`,
      );
    }
    since = end.resume_after_seq ?? since;
    // Another thread is on its way, or this end was too slow: at once would be in vain.
    if (end.reason !== 'time_over') await pause(REOPEN_AFTER_MS);
  }
}

/** Resolves with what the server said when it ended the stream. */
function followOnce(
  { base, token, types, agent, take }: FollowOptions,
  since: number | null,
  passed: (seq: number) => void,
): Promise<StreamCutOff> {
  const query = new URLSearchParams();
  if (since !== null) query.set('since', String(since));
  if (types !== undefined) query.set('type', types);
  if (agent !== undefined) query.set('agent', agent);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = `${base.replace(/^http/, 'ws')}${STREAM_PATH}?${query}`;
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    let end: StreamCutOff | undefined;
    let taking = Promise.resolve();
    const fail = (error: unknown): void => {
      socket.terminate();
      reject(error);
    };
    socket.on('message', (data: Buffer) => {
      const json = data.toString('utf8');
      const message = JSON.parse(json) as { readonly seq: number } | StreamCutOff;
      if (!('seq' in message)) {
        end = message;
        return;
      }
      socket.pause();
      taking = taking
        .then(() => take(json))
        .then(() => {
          passed(message.seq);
          socket.resume();
        });
      taking.catch(fail);
    });
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => fail(refusalOf(base, response.statusCode, Buffer.concat(chunks).toString('utf8'))));
    });
    socket.on('error', (error) => {
      fail(new Error(`${base} does not answer (${error.message}). Is 'troupe serve' running there?`));
    });
    socket.on('close', (code) => {
      // What came before the end is taken first (EF1).
      if (end !== undefined) taking.then(() => resolve(end!), fail);
      else reject(new Error(`${base} has closed the stream (${code})`));
    });
  });
}

function refusalOf(base: string, status: number | undefined, body: string): Error {
  try {
    const { message } = JSON.parse(body) as { readonly message: unknown };
    return new Error(`${base}${STREAM_PATH} was answered ${status}: ${String(message)}`);
  } catch {
    // Not ours: what it says is not for this page.
    return new Error(`${base}${STREAM_PATH} was answered ${status}: is it a Troupe server?`);
  }
}
