// The version of this package, from the package.json above this file: the only place where it is written down.

import { existsSync, readFileSync } from 'node:fs';

function packageFile(): URL {
  let file = new URL('./package.json', import.meta.url);
  while (!existsSync(file)) {
    const above = new URL('../package.json', file);
    if (above.href === file.href) throw new Error('There is no package.json above this program.');
    file = above;
  }
  return file;
}

const { version: text } = JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string };

export const version: string = text;
