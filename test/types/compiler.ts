// Compiler
//
// Runs the TypeScript compiler over a text that imports 'troupe' as a user's program does: by the declarations that were
// built, under the strict settings of this repository.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const COMPILE_TIMEOUT_MS = 60_000;
const FILE = 'program.ts';
const declarations = join(import.meta.dirname, '..', '..', 'src', 'index.d.ts');

/** What the compiler says: the line, from 1, and its code. */
export interface Complaint {
  readonly line: number;
  readonly code: string;
  readonly text: string;
}

/** Throws when the compiler cannot be run, or says something that is not about the program. */
export function compile(program: string): Complaint[] {
  const root = repositoryRoot();
  const parent = join(root, '.build');
  mkdirSync(parent, { recursive: true });
  // Inside the repository, so that it finds the types of Node.
  const folder = mkdtempSync(join(parent, 'types-'));
  try {
    writeFileSync(join(folder, FILE), program);
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      paths: { troupe: [declarations] },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [FILE] }));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, stderr, error } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: COMPILE_TIMEOUT_MS,
    });
    if (error !== undefined) throw error;
    if (stderr !== '') throw new Error(stderr);
    return stdout.split('\n').flatMap(complaint);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A line of the compiler's; its indented lines explain the one before. */
function complaint(line: string): Complaint[] {
  if (line === '' || line.startsWith(' ')) return [];
  const found = /^(\S+?)\((\d+),\d+\): error (TS\d+): (.*)$/.exec(line);
  if (found === null || found[1] !== FILE) throw new Error(`The compiler said: ${line}`);
  return [{ line: Number(found[2]), code: found[3]!, text: found[4]! }];
}

function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
