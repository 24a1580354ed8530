// Declarations
//
// What the built declaration files say: each declared thing with its comment, found from a module by its name, through
// imports and re-exports. It reads the regular text that the compiler emits, not TypeScript at large.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Declaration {
  readonly name: string;
  readonly file: string;
  /** Without the marks of a comment; empty where there is none. */
  readonly comment: string;
  /** Without `export declare`, and of classes without what users do not call. */
  readonly text: string;
  /** A type or a constant that its module keeps for itself: how another type is computed. */
  readonly isInner: boolean;
}

interface Module {
  readonly file: string;
  /** More than one of a function with overloads. */
  readonly declared: Map<string, Declaration[]>;
  /** What it has from elsewhere, by the name that it has here. */
  readonly foreign: Map<string, { readonly specifier: string; readonly name: string }>;
  /** What `export { … }` hands on, in order. */
  readonly exported: string[];
}

const DECLARED =
  /^(?:export )?(?:declare )?(?:abstract )?(?:function|class|interface|type|const|enum) ([A-Za-z_$][\w$]*)/;
const HANDED_ON = /^(import|export)(?: type)? \{([^}]*)\}(?: from '([^']+)')?;$/s;
const NAME_IN_TEXT = /(?<![.'\w])[A-Z]\w*/g;

export class Declarations {
  readonly #modules = new Map<string, Module>();

  /** The names that a module exports by `export { … }`, in order. */
  exportsOf(file: string): readonly string[] {
    return this.#module(file).exported;
  }

  /** All declarations of a name as a module sees it; none for what comes from Node or a package. */
  find(file: string, name: string): readonly Declaration[] {
    const module = this.#module(file);
    const here = module.declared.get(name);
    if (here !== undefined) return here;
    const elsewhere = module.foreign.get(name);
    if (elsewhere === undefined || !elsewhere.specifier.startsWith('.')) return [];
    return this.find(join(dirname(file), elsewhere.specifier.replace(/\.js$/, '.d.ts')), elsewhere.name);
  }

  /** What a declaration's text names and this program declares. */
  usedBy({ file, name, text }: Declaration): Declaration[] {
    const names = new Set(withoutComments(text).match(NAME_IN_TEXT));
    names.delete(name);
    return [...names].flatMap((each) => this.find(file, each));
  }

  #module(file: string): Module {
    const known = this.#modules.get(file);
    if (known !== undefined) return known;
    const module = parse(file, readFileSync(file, 'utf8'));
    this.#modules.set(file, module);
    return module;
  }
}

function parse(file: string, source: string): Module {
  const module: Module = { file, declared: new Map(), foreign: new Map(), exported: [] };
  let comment = '';
  for (const statement of statementsOf(source)) {
    if (statement.startsWith('/**')) {
      comment = statement;
      continue;
    }
    const handedOn = HANDED_ON.exec(statement);
    const name = DECLARED.exec(statement)?.[1];
    if (handedOn !== null) {
      handOn(module, handedOn[1] === 'export', handedOn[2]!, handedOn[3]);
    } else if (name !== undefined) {
      const declarations = module.declared.get(name) ?? [];
      const isInner = /^(?:declare )?(?:type|const) /.test(statement);
      declarations.push({ name, file, comment: plainComment(comment), text: publicText(statement), isInner });
      module.declared.set(name, declarations);
    }
    comment = '';
  }
  return module;
}

function handOn(module: Module, isExport: boolean, names: string, specifier: string | undefined): void {
  for (const each of names.split(',')) {
    const [name, alias] = each
      .trim()
      .replace(/^type /, '')
      .split(' as ');
    if (name === undefined || name === '') continue;
    if (specifier !== undefined) module.foreign.set(alias ?? name, { specifier, name });
    if (isExport) module.exported.push(alias ?? name);
  }
}

/** Top-level statements and comments: each begins in the first column, and ends where its brackets are closed. */
function statementsOf(source: string): string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  for (const line of source.split('\n')) {
    if (lines.length === 0 && line.trim() === '') continue;
    lines.push(line);
    const text = lines.join('\n');
    const isComment = text.startsWith('/*');
    const isWhole = isComment ? text.endsWith('*/') : text.startsWith('//') || isClosed(text);
    if (!isWhole) continue;
    statements.push(text);
    lines = [];
  }
  return statements;
}

function isClosed(text: string): boolean {
  const code = withoutComments(text).replace(/'[^'\n]*'|"[^"\n]*"/g, '');
  const depth = (code.match(/[({[]/g)?.length ?? 0) - (code.match(/[)}\]]/g)?.length ?? 0);
  return depth === 0 && /[;}]$/.test(code.trimEnd());
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '');
}

function plainComment(comment: string): string {
  return comment
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .trim();
}

/** Only the runtime constructs, and private members are nobody's. */
function publicText(statement: string): string {
  const isError = /^export declare class \w+ extends Error/.test(statement);
  return statement
    .split('\n')
    .filter((line) => line.trim() !== '#private;' && (isError || !/^ {4}constructor\(/.test(line)))
    .map((line) => line.replace(/^ +/, (indent) => ' '.repeat(indent.length / 2)))
    .join('\n')
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .replace(/ \{\n\}$/, ' {}');
}
