// What every command of the command line shares: how arguments are read, and how a wrong one is told.

import { parseArgs } from 'node:util';
import { type Config, loadConfig } from '../config.js';

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Returns the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

export interface Arguments {
  /** What followed each `--name`, in the order given. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** The `--name` without a value that were given. */
  readonly flags: ReadonlySet<string>;
  readonly positionals: readonly string[];
}

/**
 * Strict parsing of `--name VALUE` options, and of those without a value (`flags`): an unknown one, or more than
 * `positionalsMax` words, is a UsageError.
 */
export function readArguments(
  args: readonly string[],
  names: readonly string[],
  positionalsMax = 0,
  flags: readonly string[] = [],
): Arguments {
  const options = Object.fromEntries([
    ...names.map((name) => [name, { type: 'string', multiple: true }] as const),
    ...flags.map((name) => [name, { type: 'boolean' }] as const),
  ]);
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    if (positionals.length > positionalsMax) throw new Error(`unexpected argument ${positionals[positionalsMax]}`);
    const found = values as Readonly<Record<string, readonly string[] | true>>;
    return {
      values: found as Arguments['values'],
      flags: new Set(flags.filter((name) => found[name] === true)),
      positionals,
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The value of an option that may be given once. */
export function single({ values }: Arguments, name: string): string | undefined {
  const given = values[name] ?? [];
  if (given.length > 1) throw new UsageError(`--${name} is given twice`);
  return given[0];
}

/** The options of every command that reads the config. */
export const CONFIG_OPTIONS = ['set', 'config'];

/** The config as the options and the environment of this process say. Throws ConfigError. */
export function configOf(given: Arguments): Config {
  const file = single(given, 'config');
  const sets = given.values.set ?? [];
  return loadConfig({ cwd: process.cwd(), env: process.env, sets, ...(file === undefined ? {} : { file }) });
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
