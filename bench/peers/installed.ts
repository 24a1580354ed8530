// Finds the other libraries, which are installed apart from the project (package.json in this folder), or says that they
// are not there.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const INSTALL_COMMAND = 'npm ci --prefix bench/peers';

/** The sources' folder of this file, from wherever the built files lie in the repository. */
function peersFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'bench', 'peers', 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) return import.meta.dirname;
    folder = above;
  }
  return join(folder, 'bench', 'peers');
}

const require = createRequire(join(peersFolder(), 'package.json'));

/** A library and its version; undefined when it is not installed. Throws what it throws when it is loaded. */
export function loadPeer<Library>(name: string): { readonly library: Library; readonly version: string } | undefined {
  const folder = join(peersFolder(), 'node_modules', name);
  if (!existsSync(folder)) return undefined;
  const { version } = require(join(folder, 'package.json')) as { version: string };
  return { library: require(name) as Library, version };
}
