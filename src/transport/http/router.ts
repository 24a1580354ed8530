// Router
//
// From a method and a path to a route. Built once from the list of routes; a request costs two lookups in a Map, or,
// for a path with a parameter, a few comparisons of its ends.
//
// Owns:     which path answers which methods: HEAD in the place of GET, OPTIONS, and what Allow says.
// Does not: decode a parameter: it is handed over as it was sent.
//
// R1. A path without parameters wins over one with, whatever its methods; but what a tail would answer there and the
//     path itself does not, the tail answers: a reserved key is still a key.
// R2. HEAD is GET without the body, and so only where GET changes nothing.

import type { Route } from '../../contract/routes.js';

export type Found<Name extends string> =
  | { readonly kind: 'route'; readonly name: Name; readonly param: string }
  /** The path is there, the method is not. */
  | { readonly kind: 'wrong_method'; readonly allow: string }
  | { readonly kind: 'options'; readonly allow: string }
  | { readonly kind: 'unknown' };

const UNKNOWN = { kind: 'unknown' } as const;

/** What the router needs to know of a route. */
type RoutedCall = Pick<Route, 'method' | 'path' | 'tail' | 'consumes'>;

/** A path without parameters: each method's answer is made beforehand. */
interface Place<Name extends string> {
  readonly found: Map<string, Found<Name>>;
}

/** A path with one parameter: what stands before it and after it. */
interface Pattern<Name extends string> {
  readonly before: string;
  readonly after: string;
  /** The parameter may hold slashes. */
  readonly tail: boolean;
  readonly names: Map<string, Name>;
}

export class Router<Name extends string> {
  readonly #places = new Map<string, Place<Name>>();
  readonly #patterns: Pattern<Name>[] = [];

  constructor(routes: Readonly<Record<Name, RoutedCall>>) {
    const all = Object.entries(routes) as [Name, RoutedCall][];
    for (const [name, route] of all) {
      for (const method of methodsOf(route)) {
        if (route.path.includes('{')) this.#pattern(route).names.set(method, name);
        else this.#place(route.path).found.set(method, { kind: 'route', name, param: '' });
      }
    }
    for (const pattern of this.#patterns) if (pattern.tail) this.#inherit(pattern);
  }

  find(method: string, path: string): Found<Name> {
    const place = this.#places.get(path);
    if (place !== undefined) return place.found.get(method) ?? elsewise(method, place.found);
    for (const pattern of this.#patterns) {
      const param = paramOf(pattern, path);
      if (param === undefined) continue;
      const name = pattern.names.get(method);
      return name === undefined ? elsewise(method, pattern.names) : { kind: 'route', name, param };
    }
    return UNKNOWN;
  }

  /** The paths that a tail would match, were they not paths of their own, answer its methods too (R1). */
  #inherit(pattern: Pattern<Name>): void {
    for (const [path, { found }] of this.#places) {
      const param = paramOf(pattern, path);
      if (param === undefined) continue;
      for (const [method, name] of pattern.names) {
        if (!found.has(method)) found.set(method, { kind: 'route', name, param });
      }
    }
  }

  #place(path: string): Place<Name> {
    const place = this.#places.get(path) ?? { found: new Map() };
    this.#places.set(path, place);
    return place;
  }

  #pattern(route: RoutedCall): Pattern<Name> {
    const before = route.path.slice(0, route.path.indexOf('{'));
    const after = route.path.slice(route.path.indexOf('}') + 1);
    const same = this.#patterns.find((one) => one.before === before && one.after === after);
    if (same !== undefined) return same;
    const pattern: Pattern<Name> = { before, after, tail: route.tail === true, names: new Map() };
    this.#patterns.push(pattern);
    return pattern;
  }
}

/** What a route answers to (R2). */
function methodsOf(route: RoutedCall): readonly string[] {
  return route.method === 'GET' && !route.consumes ? ['GET', 'HEAD'] : [route.method];
}

/** The part of the path that the pattern leaves open, or undefined when it does not match. */
function paramOf({ before, after, tail }: Pattern<string>, path: string): string | undefined {
  if (path.length < before.length + after.length || !path.startsWith(before) || !path.endsWith(after)) return undefined;
  const param = path.slice(before.length, path.length - after.length);
  return tail || (param !== '' && !param.includes('/')) ? param : undefined;
}

function elsewise(
  method: string,
  byMethod: ReadonlyMap<string, unknown>,
): { readonly kind: 'options' | 'wrong_method'; readonly allow: string } {
  const allow = [...byMethod.keys(), 'OPTIONS'].join(', ');
  return { kind: method === 'OPTIONS' ? 'options' : 'wrong_method', allow };
}
