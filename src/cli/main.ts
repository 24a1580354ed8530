#!/usr/bin/env node
// troupe: the command line. Each command is a file; this one finds it and turns its failure into an exit code.
//
// Exit codes: 0 done · 1 it failed, or `check` found something · 2 the command line or the config is wrong.

import { ConfigError } from '../config.js';
import { type Command, UsageError } from './command.js';
import { commandUsage, usage } from './usage.js';

/** Loaded when asked for: no command needs what another is made of. */
const commands = {
  serve: async () => (await import('./serve.js')).serve,
  init: async () => (await import('./init.js')).init,
  ceilings: async () => (await import('./ceilings.js')).ceilings,
  backup: async () => (await import('./backup.js')).backup,
  check: async () => (await import('./check.js')).check,
  remove: async () => (await import('./remove.js')).remove,
  events: async () => (await import('./events.js')).events,
  version: async () => (await import('./show-version.js')).showVersion,
} as const satisfies Record<string, () => Promise<Command>>;

async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage);
    return name === undefined ? 2 : 0;
  }
  const known = name === '--version' || name === '-v' ? 'version' : name;
  if (!Object.hasOwn(commands, known)) throw new UsageError(`there is no command ${name}`);
  const command = known as keyof typeof commands;
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(commandUsage[command]);
    return 0;
  }
  const execute = await commands[command]();
  return execute(rest);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const wrongUse = error instanceof UsageError || error instanceof ConfigError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`troupe: ${message}\n${error instanceof UsageError ? "Try 'troupe help'.\n" : ''}`);
  process.exitCode = wrongUse ? 2 : 1;
}
