// Config
//
// What the server is told, from four places: defaults < troupe.config.json < TROUPE_… in the environment < `--set`.
//
// Owns:     where values come from, which one wins, and saying everything that is wrong with them at once.
// Does not: say which keys there are (config-schema.ts).
//
// F1. A key that the table does not know is refused wherever it stands; nothing is adjusted in silence.
// F2. Every fault is reported in one ConfigError, each with its source, and a secret is never in one.
// F3. The result is frozen all the way down.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type ConfigKey,
  type ConfigName,
  camelCase,
  configTable,
  environmentName,
  type NumbersKey,
} from './config-schema.js';
import { CONFIG_FILE_BYTES_MAX, flattenFile, nearest } from './config-text.js';

export type { Config } from './config-schema.js';

export const CONFIG_FILE = 'troupe.config.json';

export interface ConfigSources {
  /** Where troupe.config.json is looked for. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What followed each `--set`: `http.port=8081`. */
  readonly sets: readonly string[];
  /** A file to read instead; it must exist. Relative paths are the process's. */
  readonly file?: string;
}

export interface ConfigFault {
  /** The key, or the name that was meant to be one. */
  readonly key: string;
  readonly problem: string;
  /** `troupe.config.json`, `environment`, `--set`, or `config` where the whole is wrong. */
  readonly source: string;
}

/** Everything that is wrong with the config; its message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly ConfigFault[]) {
    super(['The config is not valid:', ...faults.map(faultLine)].join('\n'));
  }
}

function faultLine(fault: ConfigFault): string {
  return `  ${fault.key}: ${fault.problem} (${fault.source})`;
}

interface Given {
  readonly value: unknown;
  readonly source: string;
}

/** Reads all sources. Throws ConfigError with every fault, or returns a frozen config. */
export function loadConfig(sources: ConfigSources): Config {
  const faults: ConfigFault[] = [];
  const given = new Map<ConfigName, Given>();
  readFile(sources, given, faults);
  readEnvironment(sources.env, given, faults);
  readSets(sources.sets, given, faults);
  const values = new Map<ConfigName, unknown>();
  for (const [key, entry] of Object.entries(configTable) as [ConfigName, ConfigKey][]) {
    const one = given.get(key);
    const problem = one === undefined ? undefined : valueFault(entry, one.value);
    if (one !== undefined && problem !== undefined) faults.push({ key, problem, source: one.source });
    values.set(key, one === undefined || problem !== undefined ? entry.default : one.value);
  }
  checkWhole(values, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  return nest(values);
}

function readFile(sources: ConfigSources, given: Map<ConfigName, Given>, faults: ConfigFault[]): void {
  const path = sources.file ?? join(sources.cwd, CONFIG_FILE);
  const source = sources.file ?? CONFIG_FILE;
  let content: unknown;
  try {
    const bytes = readFileSync(path);
    if (bytes.length > CONFIG_FILE_BYTES_MAX) {
      faults.push({ key: source, problem: `is larger than ${CONFIG_FILE_BYTES_MAX} bytes`, source: 'file' });
      return;
    }
    content = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && sources.file === undefined) return;
    // The parser's own message would quote the text, which may hold a secret.
    const problem = error instanceof SyntaxError ? 'is not JSON' : missing ? 'does not exist' : 'cannot be read';
    faults.push({ key: source, problem, source: 'file' });
    return;
  }
  const members = flattenFile(content);
  if (members === undefined) {
    faults.push({ key: source, problem: 'must hold one object', source: 'file' });
    return;
  }
  const seen = new Set<string>();
  for (const { key, value } of members) {
    if (!isConfigName(key)) faults.push(unknownKey(key, source));
    else if (seen.has(key)) faults.push({ key, problem: 'is given twice', source });
    else given.set(key, { value, source });
    seen.add(key);
  }
}

const namesByEnvironment: ReadonlyMap<string, ConfigName> = new Map(
  (Object.keys(configTable) as ConfigName[]).map((key) => [environmentName(key), key]),
);

function readEnvironment(env: ConfigSources['env'], given: Map<ConfigName, Given>, faults: ConfigFault[]): void {
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith('TROUPE_')) continue;
    const key = namesByEnvironment.get(name);
    if (key === undefined) {
      const near = nearest(name, namesByEnvironment.keys());
      faults.push({ key: name, problem: `is not a key${near}`, source: 'environment' });
    } else {
      given.set(key, { value: fromText(configTable[key], text), source: 'environment' });
    }
  }
}

function readSets(sets: readonly string[], given: Map<ConfigName, Given>, faults: ConfigFault[]): void {
  sets.forEach((set, index) => {
    const equals = set.indexOf('=');
    const key = set.slice(0, equals);
    if (equals < 1) {
      // Not quoted: it may be a secret whose key was forgotten.
      faults.push({ key: `--set number ${index + 1}`, problem: 'must be key=value', source: '--set' });
    } else if (!isConfigName(key)) faults.push(unknownKey(key, '--set'));
    else given.set(key, { value: fromText(configTable[key], set.slice(equals + 1)), source: '--set' });
  });
}

function isConfigName(key: string): key is ConfigName {
  return Object.hasOwn(configTable, key);
}

function unknownKey(key: string, source: string): ConfigFault {
  return { key, problem: `is not a key${nearest(key, Object.keys(configTable))}`, source };
}

/** What a text of the environment or the command line stands for; the text itself where it stands for nothing. */
function fromText(entry: ConfigKey, text: string): unknown {
  if (entry.kind === 'integer') return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
  if (entry.kind === 'text' || entry.kind === 'choice') return text;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the check of the value says so, with its key and source.
    return text;
  }
}

function valueFault(entry: ConfigKey, value: unknown): string | undefined {
  switch (entry.kind) {
    case 'integer': {
      const fits = Number.isInteger(value) && (value as number) >= entry.min && (value as number) <= entry.max;
      return fits ? undefined : `must be a whole number from ${entry.min} to ${entry.max}`;
    }
    case 'choice':
      return entry.choices.includes(value as string) ? undefined : `must be one of ${entry.choices.join(', ')}`;
    case 'text':
      if (value === null && entry.default === null) return undefined;
      return typeof value === 'string' ? entry.fault(value) : 'must be a text';
    case 'list': {
      if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
        return 'must be a list of texts (JSON)';
      return (value as string[]).map(entry.itemFault).find((problem) => problem !== undefined);
    }
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'numbers':
      return numbersFault(entry, value);
    default:
      return entry satisfies never;
  }
}

function numbersFault({ names, max }: NumbersKey, value: unknown): string | undefined {
  const problem = `must be an object (JSON) of whole numbers from 1 to ${max}, by name: ${names.join(', ')}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return problem;
  const isGood = ([name, number]: [string, unknown]) =>
    names.includes(name) && Number.isInteger(number) && (number as number) >= 1 && (number as number) <= max;
  return Object.entries(value).every(isGood) ? undefined : problem;
}

/** Rules between keys. */
function checkWhole(values: ReadonlyMap<ConfigName, unknown>, faults: ConfigFault[]): void {
  const fault = (key: ConfigName, problem: string) => faults.push({ key, problem, source: 'config' });
  const host = values.get('http.host') as string;
  if (!isLoopback(host) && values.get('admin.token') === null) {
    fault('http.host', 'is not a loopback address, which needs an admin.token');
  }
  if (!isLoopback(host) && (values.get('memory.api_keys') as readonly string[]).length === 0) {
    fault('memory.api_keys', 'is empty, which needs http.host to be a loopback address');
  }
  const bodyBytesMax = values.get('http.body_bytes_max') as number;
  for (const key of ['messaging.content_bytes_max', 'state.value_bytes_max'] as const) {
    if ((values.get(key) as number) > bodyBytesMax) fault(key, 'is larger than http.body_bytes_max');
  }
}

/** True for the addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function frozenCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze([...value]);
  return typeof value === 'object' && value !== null ? Object.freeze({ ...value }) : value;
}

function nest(values: ReadonlyMap<ConfigName, unknown>): Config {
  const whole: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const [section = key, ...members] = key.split('.');
    const member = members.length === 0 ? undefined : members.join('.');
    const frozen = frozenCopy(value);
    if (member === undefined) {
      whole[camelCase(section)] = frozen;
    } else {
      const name = camelCase(section);
      const inner = (whole[name] ?? {}) as Record<string, unknown>;
      inner[camelCase(member)] = frozen;
      whole[name] = inner;
    }
  }
  for (const inner of Object.values(whole)) Object.freeze(inner);
  // The table that gave the values is the one that the type is made from.
  return Object.freeze(whole) as Config;
}
