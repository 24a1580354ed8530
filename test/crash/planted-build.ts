// Planted build
//
// A copy of the built server with one bug put in, to see that the crash engine finds it. The product itself has no switch
// for this: the copy's text is changed, and every change must match exactly once, so that a plant which no longer fits
// the code fails loudly instead of planting nothing.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../examples/02-conversations/conversations.js';

export interface Patch {
  /** Below `src/`, as built: `runtime/journal.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBuild {
  readonly mainFile: string;
  remove(): void;
}

/** The copy lies inside the repository, so that it finds the packages. Throws when a patch does not match exactly once. */
export function plant(patches: readonly Patch[]): PlantedBuild {
  const builtSource = join(import.meta.dirname, '..', '..', 'src');
  const parent = join(repositoryRoot(), '.build');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'planted-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    cpSync(builtSource, join(directory, 'src'), { recursive: true });
    for (const { file, find, replace } of patches) {
      const path = join(directory, 'src', file);
      writeFileSync(path, patchText(readFileSync(path, 'utf8'), find, replace, file));
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { mainFile: join(directory, 'src', 'cli', 'main.js'), remove };
}

/** Replaces the one occurrence of `find`; any run of white space in it matches any other. Throws unless there is one. */
export function patchText(text: string, find: string, replace: string, file: string): string {
  const words = find.split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(words.join('\\s+'), 'g');
  const matches = text.match(pattern)?.length ?? 0;
  if (matches !== 1) throw new Error(`A plant matches ${matches} times in ${file}, and must match once: ${find}`);
  return text.replace(pattern, () => replace);
}
