// API page
//
// docs/api.md: what `import … from 'troupe'` gives, with its comments, and then every type that those name. Made from the
// declarations that were built, as the compiler wrote them.

import { join } from 'node:path';
import { type Declaration, Declarations } from './declarations.js';

const index = join(import.meta.dirname, '..', '..', 'src', 'index.d.ts');

/** What is exported for the server inside another program, apart from the library's own. */
const SERVER = ['Config', 'ConfigError', 'ConfigSources', 'loadConfig', 'Server', 'ServerOptions', 'startServer'];

/** docs/api.md. */
export function apiPage(): string {
  const declarations = new Declarations();
  const names = declarations.exportsOf(index);
  const find = (name: string): readonly Declaration[] => declarations.find(index, name);
  const library = names.filter((name) => !SERVER.includes(name));
  const exported = new Set(names.flatMap(find));
  const others = reachable(declarations, library.flatMap(find), exported);
  const lines = [
    '# API',
    '',
    "What `import … from 'troupe'` gives. How it is used: [guide.md](guide.md); what is promised: [semantics.md](semantics.md).",
    '',
    'This page is made from the declarations in `src/` that are reached from `src/index.ts`.',
    '',
    '## The library',
    ...library.flatMap((name) => entry(find(name))),
    '',
    '## The server, inside another program',
    ...SERVER.flatMap((name) => entry(find(name))),
    '',
    '## Types that the library names',
    '',
    'They are not exported by name: the compiler infers them.',
    ...others.flatMap((each) => entry([each])),
  ];
  return `${lines.join('\n')}\n`;
}

/** Every name that index.ts exports, each with the number of its declarations. */
export function exportedNames(): ReadonlyMap<string, number> {
  const declarations = new Declarations();
  return new Map(declarations.exportsOf(index).map((name) => [name, declarations.find(index, name).length]));
}

/** What is named by the first ones, and by what they name, in the order of being found. */
function reachable(
  declarations: Declarations,
  first: readonly Declaration[],
  known: ReadonlySet<Declaration>,
): Declaration[] {
  const found = new Set<Declaration>();
  const queue = [...first];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const used of declarations.usedBy(next)) {
      if (found.has(used) || known.has(used)) continue;
      found.add(used);
      queue.push(used);
    }
  }
  return [...found].filter(({ isInner }) => !isInner);
}

function entry(declared: readonly Declaration[]): string[] {
  const name = declared[0]?.name ?? '';
  const lines = ['', `### ${name}`, ''];
  for (const { comment, text } of declared) {
    if (comment !== '') lines.push(comment, '');
    lines.push('```ts', text, '```', '');
  }
  return lines.slice(0, -1);
}
