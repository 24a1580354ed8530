// Memory reader
//
// What a route of the memory API reads out of a request. Each function gives the value, or undefined after it has refused
// the call: the route has nothing left to do then.

import type { SubjectPlace } from '../../actors/subject/protocol.js';
import { SUBJECT_ID_CHARS_MAX } from '../../contract/memory.js';
import { queryValue } from '../../contract/query.js';
import type { Checker } from '../../contract/schema.js';
import { decodeUtf8, percentDecode } from '../../contract/text.js';
import { hasFewParts, isWithinDepth } from '../http/json-structure.js';
import { placeOf } from '../kernel/page-cursor.js';
import type { MemoryCall } from './memory-call.js';
import { invalid, invalidFields } from './memory-fault.js';

/** A batch of 100 episodes of 50 messages each has 36,000 (json-structure.ts says what a part is): parsed in some 5 ms. */
export const JSON_PARTS_MAX = 40_000;
/** What is kept is written as JSON again and again, in threads with other stacks: it must never be too deep for one. */
export const JSON_DEPTH_MAX = 256;
const NOT_FOUND = { code: 'not_found', message: 'There is no such subject.' } as const;

/** The body as JSON of the described shape. */
export function readBody<T>(call: MemoryCall, shape: Checker<T>): T | undefined {
  const text = decodeUtf8(call.body);
  if (text === undefined) return refuse(call, 'the body', 'the body is not UTF-8');
  if (!hasFewParts(call.body, JSON_PARTS_MAX)) {
    return refuse(call, 'the body', `the body has more than ${JSON_PARTS_MAX} parts`);
  }
  if (!isWithinDepth(call.body, JSON_DEPTH_MAX)) {
    return refuse(call, 'the body', `the body is nested deeper than ${JSON_DEPTH_MAX}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // SyntaxError is all that it throws; its message would quote the body.
    return refuse(call, 'the body', 'the body is not JSON');
  }
  if (shape.check(value)) return value;
  call.refuse(invalidFields(shape.faults(value)));
  return undefined;
}

/** A subject that the caller may reach, by its id. What it may not reach is told as what is not there. */
export function readSubject(call: MemoryCall, subjectId: string, field = 'subject_id'): SubjectPlace | undefined {
  const problem = idProblem(subjectId);
  if (problem !== undefined) return refuse(call, field, `${field} ${problem}`);
  const { tenant, ownSubject } = call.caller;
  if (ownSubject !== null && ownSubject !== subjectId) {
    call.refuse(NOT_FOUND);
    return undefined;
  }
  return { tenant, subjectId };
}

/** Why a text cannot be an id; undefined when it can. */
export function idProblem(id: string): string | undefined {
  if (!id.isWellFormed()) return 'holds half of a surrogate pair';
  return id.includes('\0') ? 'holds a NUL' : undefined;
}

export function readPathSubject(call: MemoryCall): SubjectPlace | undefined {
  const id = percentDecode(call.param);
  if (id === undefined) return refuse(call, 'subject_id', 'subject_id has a malformed % escape');
  return isId(call, id) ? readSubject(call, id) : undefined;
}

export function readQuerySubject(call: MemoryCall): SubjectPlace | undefined {
  const id = readQueryText(call, 'subject_id');
  if (id === undefined) return undefined;
  if (id === null) return refuse(call, 'subject_id', 'subject_id is missing');
  return isId(call, id) ? readSubject(call, id) : undefined;
}

function isId(call: MemoryCall, id: string): boolean {
  const fits = id.length > 0 && id.length <= 2 * SUBJECT_ID_CHARS_MAX && [...id].length <= SUBJECT_ID_CHARS_MAX;
  if (!fits) refuse(call, 'subject_id', `subject_id must have 1 to ${SUBJECT_ID_CHARS_MAX} characters`);
  return fits;
}

/** Null when it was not sent. */
export function readQueryText(call: MemoryCall, name: string): string | null | undefined {
  const text = queryValue(call.exchange.head.query, name);
  if (text === null) return refuse(call, name, `${name} has a malformed % escape`);
  return text ?? null;
}

/** A whole number within the bounds, or `fallback` when it was not sent. */
export function readQueryNumber<F extends number | null>(
  call: MemoryCall,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: F },
): number | F | undefined {
  const text = readQueryText(call, name);
  if (text === undefined) return undefined;
  if (text === null) return fallback;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  return refuse(call, name, `${name} must be a whole number from ${min} to ${max}`);
}

export function readQueryChoice<C extends string>(
  call: MemoryCall,
  name: string,
  choices: readonly C[],
): C | null | undefined {
  const text = readQueryText(call, name);
  if (text === undefined || text === null) return text;
  const choice = choices.find((one) => one === text);
  return choice ?? refuse(call, name, `${name} must be one of ${choices.join(', ')}`);
}

/** The place where the page before ended: null for the first page. */
export function readCursor(call: MemoryCall, bytesMax: number): string | null | undefined {
  const cursor = readQueryText(call, 'cursor');
  if (cursor === undefined) return undefined;
  const place = placeOf(cursor ?? undefined, bytesMax);
  return place === undefined ? refuse(call, 'cursor', 'cursor is none that was given here') : place;
}

function refuse(call: MemoryCall, field: string, message: string): undefined {
  call.refuse(invalid(field, message));
  return undefined;
}
