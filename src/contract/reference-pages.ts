// Reference pages
//
// docs/errors.md and docs/config.md as the tables in the code give them. A test holds the files against these;
// `UPDATE_DOCS=1` in that test's environment writes them.

import { type ConfigKey, type ConfigName, configTable, environmentName } from '../config-schema.js';
import { type ErrorFamily, errorTable } from '../errors.js';

const familyAdvice: Readonly<Record<ErrorFamily, string>> = {
  caller: 'The request is wrong. Sending it again unchanged fails again.',
  pressure: 'A bound was reached. Try again after `Retry-After` seconds.',
  delivery:
    'It did not arrive, or nobody knows whether it did. Try again only if the message says that nothing was accepted, or with the same `Idempotency-Key`.',
  internal: 'The server failed. The outcome is unknown; what happened is in its log, under the `X-Request-ID`.',
};

/** docs/errors.md. */
export function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Every refusal is `{"error": code, "message": text, "detail"?: text}` with an `X-Request-ID`. `error` is stable, `message` is for people. A 429 or 503 carries `Retry-After` in whole seconds, at least 1.',
    '',
    'This page is made from the table in `src/errors.ts`.',
  ];
  for (const family of Object.keys(familyAdvice) as ErrorFamily[]) {
    const rows = Object.entries(errorTable)
      .filter(([, entry]) => entry.family === family)
      .map(([code, entry]) => [code, String(entry.status), `\`${entry.wire}\``, entry.message]);
    const table = markdownTable(['name', 'status', '`error`', 'message'], rows);
    lines.push('', `## ${family}`, '', familyAdvice[family], '', ...table);
  }
  return `${lines.join('\n')}\n`;
}

/** docs/config.md. */
export function configPage(): string {
  const lines = [
    '# Config',
    '',
    'Four places, the one that wins first: `--set http.port=8081` on the command line, `TROUPE_HTTP_PORT=8081` in the environment, `troupe.config.json` in the working directory (`{"http": {"port": 8081}}` or `{"http.port": 8081}`), and the defaults. Lists are JSON in the environment and on the command line.',
    '',
    'A key that is not on this page is refused, in every place. Everything that is wrong is reported at once, and nothing is adjusted in silence.',
    '',
    'This page is made from the table in `src/config-schema.ts`.',
    '',
  ];
  const rows = (Object.entries(configTable) as [ConfigName, ConfigKey][]).map(([name, entry]) => [
    `\`${name}\``,
    `\`${environmentName(name)}\``,
    entry.default === null ? 'none' : `\`${shown(entry.default)}\``,
    bounds(entry),
    entry.about,
  ]);
  lines.push(...markdownTable(['key', 'environment', 'default', 'may be', 'what it is'], rows));
  return `${lines.join('\n')}\n`;
}

/** Columns are padded to the widest cell, as the formatter of this repository does. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function shown(value: NonNullable<ConfigKey['default']>): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function bounds(entry: ConfigKey): string {
  switch (entry.kind) {
    case 'integer':
      return `${entry.min} to ${entry.max}`;
    case 'choice':
      return entry.choices.map((one) => `\`${one}\``).join(', ');
    case 'text':
      return 'text';
    case 'list':
      return 'list of texts';
    case 'boolean':
      return '`true`, `false`';
    case 'numbers':
      return `an object of numbers from 1 to ${entry.max}: ${entry.names.map((one) => `\`${one}\``).join(', ')}`;
    default:
      return entry satisfies never;
  }
}
