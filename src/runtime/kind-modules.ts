// Kind modules
//
// Modules that export actor kinds. Every thread of a system loads the same ones, and finds the same kinds in the same
// order: by module, then by the name of the export.

import type { AnyKind } from './actor.js';
import { KINDS_MAX } from './routes.js';

/** Rejects with what an import throws, and when a module exports no kind or two kinds have one name. */
export async function loadKinds(urls: readonly string[]): Promise<AnyKind[]> {
  const kinds: AnyKind[] = [];
  for (const url of urls) {
    const module = (await import(url)) as Readonly<Record<string, unknown>>;
    const found = Object.keys(module)
      .sort()
      .map((name) => module[name])
      .filter(isKind);
    if (found.length === 0) throw new TypeError(`The module ${url} exports no actor kind: see actor().`);
    for (const kind of found) if (!kinds.includes(kind)) kinds.push(kind);
  }
  if (kinds.length > KINDS_MAX)
    throw new TypeError(`A system has at most ${KINDS_MAX} actor kinds, not ${kinds.length}.`);
  const names = kinds.map(({ protocol }) => protocol.kind);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new TypeError(`Two actor kinds are called ${twice}.`);
  return kinds;
}

function isKind(value: unknown): value is AnyKind {
  if (typeof value !== 'object' || value === null) return false;
  return 'protocol' in value && 'handlers' in value && 'activate' in value;
}
