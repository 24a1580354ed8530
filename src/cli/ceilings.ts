// troupe ceilings
//
// How near each part of a running server is to what it can bear, as a table: of the moment, or kept fresh in its place.

import { setTimeout as pause } from 'node:timers/promises';
import { environmentName } from '../config-schema.js';
import type { Ceiling } from '../contract/server.js';
import { type Command, print, readArguments, single, UsageError } from './command.js';
import { call, serverUrl } from './server-call.js';

const REFRESH_MS = 5_000;
const TOKEN_VARIABLE = environmentName('admin.token');
/** To the top left corner, and nothing below. */
const CLEAR = '\u001b[H\u001b[J';
const HEADINGS = ['component', 'measure', 'value', 'threshold', 'state', 'trend', 'since'];
const STATES = { act: 0, watch: 1, ok: 2 } as const;

export const ceilings: Command = async (args) => {
  const given = readArguments(args, ['url', 'token'], 0, ['once']);
  const base = serverUrl(single(given, 'url'));
  const token = single(given, 'token') ?? process.env[TOKEN_VARIABLE];
  if (token === undefined) throw new UsageError(`the admin token is needed: --token TOKEN, or ${TOKEN_VARIABLE}`);
  const isOnce = given.flags.has('once') || !process.stdout.isTTY;
  for (;;) {
    const answer = await call(base, { method: 'GET', path: '/admin/ceilings', token });
    print(`${isOnce ? '' : CLEAR}${table(answer.ceilings as Ceiling[])}`);
    if (isOnce) return 0;
    await pause(REFRESH_MS);
  }
};

/** The rows as columns, and below them what to do about those that are not ok, the most urgent first. */
export function table(rows: readonly Ceiling[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const urgent = rows.filter(({ state }) => state !== 'ok').sort((a, b) => STATES[a.state] - STATES[b.state]);
  const steps = urgent.map(({ component, state, next_step }) => `${state} ${component}: ${next_step}`);
  return [...lines, ...(steps.length === 0 ? [] : ['', ...steps])].join('\n');
}

function cellsOf({ component, measure, value, threshold, state, trend, since }: Ceiling): string[] {
  return [component, measure, value === null ? '-' : String(value), String(threshold), state, trend ?? '-', since];
}
