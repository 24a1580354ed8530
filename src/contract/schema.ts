// Schema
//
// The one door to typebox: how a public message is described, and how a value is held against the description.
// Descriptions are JSON Schema, so the OpenAPI document takes them as they are.

import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

export { type Static, type TSchema, Type };

/** A description, compiled once: `check` costs nanoseconds; the fault is worked out only for a value that failed. */
export interface Checker<T> {
  check(value: unknown): value is T;
  /** What is wrong first, naming the member: `content must be a string`. Only for a value that failed. */
  fault(value: unknown): string;
  /** What is wrong, a fault for each member, at most FAULTS_MAX. Only for a value that failed. */
  faults(value: unknown): readonly MemberFault[];
}

export interface MemberFault {
  /** As `episodes[3].source`; `the body` for the whole. */
  readonly field: string;
  readonly message: string;
}

const FAULTS_MAX = 20;
const WHOLE = 'the body';

export function checker<S extends TSchema>(schema: S): Checker<Static<S>> {
  const compiled = Compile(schema);
  return {
    check: (value): value is Static<S> => compiled.Check(value),
    fault: (value) => {
      // First of all: the library looks at every item of an array that is too long, and a body can hold a million.
      const [first] = tooManyItems(schema, value, '') ?? compiled.Errors(value);
      return first === undefined ? 'the body is not as described' : faultText(first);
    },
    faults: (value) => memberFaults(tooManyItems(schema, value, '') ?? compiled.Errors(value)),
  };
}

function memberFaults(found: Iterable<SchemaFault>): MemberFault[] {
  const faults = new Map<string, MemberFault>();
  for (const fault of found) {
    if (faults.size === FAULTS_MAX) break;
    const field = faultField(fault);
    // What follows about the same member says why none of its alternatives fits.
    if (!faults.has(field)) faults.set(field, { field, message: faultText(fault) });
  }
  return [...faults.values()];
}

/** The member that is wrong: one that is missing too. */
function faultField(fault: SchemaFault): string {
  const member = memberName(fault.instancePath);
  const [missing] = (fault.params as { requiredProperties?: readonly string[] }).requiredProperties ?? [];
  if (missing === undefined) return member;
  return member === WHOLE ? missing : `${member}.${missing}`;
}

interface SchemaFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: unknown;
  readonly message: string;
}

/** The part of a description that bounds arrays. */
interface BoundedShape {
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, BoundedShape>>;
}

/** The fault of the first array that holds more than it may, as the library would tell it. Looks into no items. */
function tooManyItems(shape: BoundedShape, value: unknown, instancePath: string): readonly SchemaFault[] | undefined {
  const { maxItems: limit, properties = {} } = shape;
  if (Array.isArray(value) && limit !== undefined && value.length > limit) {
    return [
      { keyword: 'maxItems', instancePath, params: { limit }, message: `must not have more than ${limit} items` },
    ];
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(properties)) {
    const fault = tooManyItems(member, (value as Record<string, unknown>)[name], `${instancePath}/${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** `/messages/3/content` becomes `messages[3].content`; the whole is `the body`. */
function memberName(instancePath: string): string {
  const name = instancePath
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.');
  return name === '' ? WHOLE : name;
}

function faultText(fault: SchemaFault): string {
  const member = memberName(fault.instancePath);
  const params = fault.params as { type?: string; limit?: number; requiredProperties?: readonly string[] };
  switch (fault.keyword) {
    case 'required': {
      const missing = params.requiredProperties?.[0] ?? 'a member';
      return member === WHOLE ? `${missing} is missing` : `${member}.${missing} is missing`;
    }
    case 'type':
      return `${member} must be ${article(String(params.type))}`;
    case 'minLength':
      return `${member} must not be empty`;
    case 'minItems':
      return `${member} must hold at least ${params.limit} item`;
    case 'maxItems':
      return `${member} must hold at most ${params.limit} items`;
    default:
      return `${member} ${fault.message}`;
  }
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
