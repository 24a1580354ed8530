// troupe remove
//
// Removes the content of a message, or the values of a key, on a running server, and prints the record of it.

import { environmentName } from '../config-schema.js';
import type { RemoveContent } from '../contract/removal.js';
import { type Arguments, type Command, print, readArguments, single, UsageError } from './command.js';
import { call, serverUrl } from './server-call.js';

const TOKEN_VARIABLE = environmentName('admin.token');
/** A key is looked for in the whole event log. */
const REMOVAL_TIMEOUT_MS = 600_000;

export const remove: Command = async ([what, ...args]) => {
  switch (what) {
    case 'state':
      return removeContent(args, 'key', (key) => ({ key }));
    case 'message':
      return removeContent(args, 'id', (id) => ({ message_id: id }));
    default:
      throw new UsageError('troupe remove needs one of state, message');
  }
};

async function removeContent(
  args: readonly string[],
  name: 'key' | 'id',
  targetOf: (value: string) => Omit<RemoveContent, 'reason'>,
): Promise<number> {
  const given = readArguments(args, [name, 'reason', 'url', 'token']);
  const base = serverUrl(single(given, 'url'));
  const body: RemoveContent = { ...targetOf(needed(given, name)), reason: needed(given, 'reason') };
  const token = single(given, 'token') ?? process.env[TOKEN_VARIABLE];
  if (token === undefined) throw new UsageError(`the admin token is needed: --token TOKEN, or ${TOKEN_VARIABLE}`);
  const path = '/admin/removals';
  print(JSON.stringify(await call(base, { method: 'POST', path, token, body, timeoutMs: REMOVAL_TIMEOUT_MS })));
  return 0;
}

function needed(given: Arguments, name: string): string {
  const value = single(given, name);
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
}
