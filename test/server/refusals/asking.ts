// Asks one request of the tables on a connection of its own, and says what is wrong with what came of it.

import { ErrorAnswer } from '../../../src/contract/error-answer.js';
import { checker } from '../../../src/contract/schema.js';
import { type RawAnswer, RawClient } from '../../transport/listener/raw-client.js';
import type { Stage } from '../on-both-listeners.js';
import { bytesOf, type RefusalCase, toldBy } from './case.js';

const errorShape = checker(ErrorAnswer);
const ERROR_MEMBERS: readonly string[] = ['error', 'message', 'detail'];
/** What a message says when it quotes the program. */
const INSIDE = /\.[jt]s\b|node_modules|\bat .+:\d+|Error\b|undefined|\[object/;

/** Undefined when all is as the case says. */
export async function ask({ server, listener }: Stage, one: RefusalCase): Promise<string | undefined> {
  const told = toldBy(listener, one);
  const client = await RawClient.connect(server.port);
  try {
    client.send(bytesOf(one).toString('latin1'));
    if (told === 'ended') {
      await client.end();
      return client.text === '' ? undefined : `said ${client.text.slice(0, 100)}`;
    }
    if (told === 'mute') return await saysNothing(client, server.port);
    return whatIsWrong(await client.answer(one.method === 'HEAD'), one, told);
  } catch (error) {
    if (one.mayBeCut && client.reset && client.text === '') return undefined;
    return String(error);
  } finally {
    client.destroy();
  }
}

/** Answered by another connection meanwhile: what this one sent has been read by then. */
async function saysNothing(client: RawClient, port: number): Promise<string | undefined> {
  await client.flushed();
  const other = await RawClient.connect(port);
  await other.send('GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n').answer();
  other.destroy();
  return client.text === '' && !client.ended ? undefined : `said ${client.text.slice(0, 100)}`;
}

function whatIsWrong(
  answer: RawAnswer,
  one: RefusalCase,
  [status, error]: readonly [number, string?],
): string | undefined {
  const { headers, body } = answer;
  if (answer.status !== status) return `was answered ${answer.status} ${body.slice(0, 100)} for ${status}`;
  if (status === 401 && headers.get('www-authenticate') !== 'Bearer') return 'names no scheme in its 401';
  if (one.allow !== undefined && headers.get('allow') !== one.allow) return `allows ${headers.get('allow')}`;
  if (headers.get('server') !== undefined) return 'names the server';
  if (error === undefined || one.method === 'HEAD') return undefined;
  if (headers.get('content-type') !== 'application/json') return `is told as ${headers.get('content-type')}`;
  if (headers.get('x-content-type-options') !== 'nosniff') return 'may be sniffed';
  const told: unknown = JSON.parse(body);
  if (!errorShape.check(told)) return `has not the shape of a refusal: ${body}`;
  if (!Object.keys(told).every((name) => ERROR_MEMBERS.includes(name))) return `tells too much: ${body}`;
  if (told.error !== error) return `was refused as ${told.error} for ${error}`;
  return INSIDE.test(told.message) ? `tells of its inside: ${told.message}` : undefined;
}
