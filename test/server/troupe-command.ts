// The command line as a process of its own: what it prints, and the code it ends with.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

/** No command of a test takes near this long. */
const COMMAND_TIMEOUT_MS = 30_000;

export interface CommandEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlace {
  /** Where `troupe.config.json` is looked for; a folder without one when nothing is said. */
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The environment of this process without what would configure a server, and with what is given. */
export function environmentWith(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('TROUPE_'));
  return { ...Object.fromEntries(clean), ...more };
}

/** Runs `troupe` with these words to its end. A command that does not end is killed, and so has no code. */
export async function runTroupe(words: readonly string[], place: CommandPlace = {}): Promise<CommandEnd> {
  const child = spawn(process.execPath, [mainFile, ...words], {
    cwd: place.cwd ?? tmpdir(),
    env: environmentWith(place.environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}
