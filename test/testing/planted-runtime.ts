// Planted runtime
//
// A copy of the built runtime, and of the guarantees it is held to, with one bug put in. The copy lies inside the
// repository, so that it finds the packages.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../../examples/02-conversations/conversations.js';
import { type Patch, patchText } from '../crash/planted-build.js';
import type { GuaranteeName } from './guarantees.js';

const BUILT = join(import.meta.dirname, '..', '..');
/** What the guarantees are made of. */
const COPIED = ['src', join('test', 'testing')];
const EXPLORE_TIMEOUT_MS = 120_000;

export interface PlantedRuntime {
  /** Tries so many schedules in a process of their own: the code that it ended with, and what it said. */
  explore(
    name: GuaranteeName,
    schedules: number,
    seed: number,
  ): { readonly code: number | null; readonly said: string };
  remove(): void;
}

/** Throws when a patch does not match exactly once. */
export function plantRuntime(patches: readonly Patch[]): PlantedRuntime {
  const parent = join(repositoryRoot(), '.build');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'planted-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    for (const part of COPIED) {
      const from = join(BUILT, part);
      mkdirSync(dirname(join(directory, part)), { recursive: true });
      cpSync(from, join(directory, part), { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) });
    }
    for (const { file, find, replace } of patches) {
      const path = join(directory, 'src', file);
      writeFileSync(path, patchText(readFileSync(path, 'utf8'), find, replace, file));
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    explore(name, schedules, seed) {
      const program = join(directory, 'test', 'testing', 'explore.js');
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, name, `${schedules}`, `${seed}`], {
        encoding: 'utf8',
        timeout: EXPLORE_TIMEOUT_MS,
      });
      return { code: status, said: stdout + stderr };
    },
    remove,
  };
}
