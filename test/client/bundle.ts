// What a bundler makes of the client for a page, from the built files.

import { join } from 'node:path';
import { build } from 'esbuild';

const client = join(import.meta.dirname, '..', '..', 'src', 'client');

export interface Bundle {
  readonly text: string;
  /** What it would still have to load. */
  readonly imports: readonly string[];
}

/** Of a page that imports these names, or all of them. `entry` is a file of src/client. */
export async function bundle(names: string, entry = 'browser.js'): Promise<Bundle> {
  const contents = `export ${names} from ${JSON.stringify(join(client, entry))};`;
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: client },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { text: outputFiles[0]!.text, imports };
}
