// Bodies that are no JSON, no text or no JSON of ours, at every door that takes one; and wrong content types there.

import { BAD, type Header, type RefusalCase, TOO_LARGE, WRONG_TYPE } from './case.js';
import { type Door, doorsOf } from './doors.js';
import { type RefusalWorld, tokenFor } from './world.js';

const MIB = 1_048_576;
const BODY_BYTES_MAX = 2 * MIB;
const DEPTH = 100_000;

type Body = readonly [what: string, body: string | Buffer];

const NO_JSON: readonly Body[] = [
  ['an open brace', '{'],
  ['half an object', '{"value":"x"'],
  ['a trailing comma', '{"value":"x",}'],
  ['single quotes', "{'value':'x'}"],
  ['names without quotes', '{value:"x"}'],
  ['a comment', '{"value":"x"/**/}'],
  ['two values', '{"value":"x"}{"value":"y"}'],
  ['text after the value', '{"value":"x"} x'],
  ['NaN', 'NaN'],
  ['undefined', 'undefined'],
  ['a number with a leading zero', '{"value":01}'],
  ['half a \\u escape', '{"value":"\\u12"}'],
  ['an unknown escape', '{"value":"\\x41"}'],
  ['a raw line break in a text', '{"value":"a\nb"}'],
  ['a raw NUL in a text', '{"value":"a\0b"}'],
  ['a NUL after the value', '{"value":"x"}\0'],
  ['blanks alone', ' \r\n\t '],
  ['a byte order mark', '\u{feff}{"value":"x"}'],
  ['UTF-16', Buffer.from('\u{feff}{"value":"x"}', 'utf16le')],
  ['a byte that UTF-8 does not have', Buffer.from('{"value":"\xff"}', 'latin1')],
  ['an overlong slash', Buffer.from('{"value":"\xc0\xaf"}', 'latin1')],
  ['a surrogate in UTF-8', Buffer.from('{"value":"\xed\xa0\x80"}', 'latin1')],
  ['a character past the last one', Buffer.from('{"value":"\xf4\x90\x80\x80"}', 'latin1')],
  ['half a character at the end', Buffer.from('{"value":"x"}\xe2\x82', 'latin1')],
  [`${DEPTH} open brackets`, '['.repeat(DEPTH)],
  [`${DEPTH} open objects`, '{"a":'.repeat(DEPTH)],
  ['a form', 'value=x&to=y'],
  ['XML', '<value>x</value>'],
];

const NOT_OURS: readonly Body[] = [
  ['nothing', ''],
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '12'],
  ['a huge number', '9'.repeat(100_000)],
  ['a number past all numbers', '1e400000'],
  ['a text', '"value"'],
  ['an array', '[]'],
  ['an empty object', '{}'],
  ['an array around it', '[{"value":"x","contact_hash":"x","to":"x","content":"x"}]'],
  ['members of __proto__', '{"__proto__":{"value":"x","contact_hash":"x","message_ids":["x"],"to":"x","content":"x"}}'],
  ['members of constructor', '{"constructor":{"prototype":{"value":"x","contact_hash":"x","to":"x","content":"x"}}}'],
  ['names in upper case', '{"VALUE":"x","CONTACT_HASH":"x","TO":"x","CONTENT":"x","MESSAGES":[],"MESSAGE_IDS":[]}'],
  [`${DEPTH} brackets`, '['.repeat(DEPTH) + ']'.repeat(DEPTH)],
  [`${DEPTH} objects`, `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`],
  [`${DEPTH} members`, `{${Array.from({ length: DEPTH }, (_, i) => `"m${i}":${i}`).join()}}`],
  [`${DEPTH} items`, `[${'0,'.repeat(DEPTH)}0]`],
];

const TYPES: readonly (readonly [what: string, ...values: string[]])[] = [
  ['no type', ' '],
  ['text/plain', 'text/plain'],
  ['a form', 'application/x-www-form-urlencoded'],
  ['a multipart form', 'multipart/form-data; boundary=x'],
  ['JSON of another kind', 'application/json-patch+json'],
  ['JSON with a suffix', 'application/vnd.api+json'],
  ['JSON without a family', 'json'],
  ['JSON among others', 'application/json, text/plain'],
  ['JSON twice', 'application/json', 'application/json'],
  ['any type', '*/*'],
];

export function wrongBodies(world: RefusalWorld): readonly RefusalCase[] {
  return doorsOf(world).flatMap((door) => {
    if (!door.takesBody) return [];
    const bodies = door.shaped ? [...NO_JSON, ...NOT_OURS] : NO_JSON;
    return bodies.map(([what, body]) => at(world, door, `a body of ${what}`, { body, told: BAD }));
  });
}

export function wrongTypes(world: RefusalWorld): readonly RefusalCase[] {
  return doorsOf(world).flatMap((door) => {
    if (!door.takesBody) return [];
    return TYPES.map(([what, ...values]) => {
      const headers: Header[] = values.map((value) => ['Content-Type', value]);
      return at(world, door, `${what} for a type`, { headers, body: '{}', told: WRONG_TYPE });
    });
  });
}

/** One byte over, and far over: told before any of it is read where the length is named. */
export function tooLargeBodies(world: RefusalWorld): readonly RefusalCase[] {
  return doorsOf(world).flatMap((door) => {
    if (!door.takesBody) return [];
    const announced = (bytes: number): RefusalCase =>
      at(world, door, `an announced body of ${bytes} bytes`, {
        headers: [['Content-Length', String(bytes)]],
        body: '',
        told: TOO_LARGE,
      });
    const over = [announced(BODY_BYTES_MAX + 1), announced(1e12), announced(999_999_999_999_999)];
    if (door.name !== 'putState') return over;
    const chunks = Buffer.from(`${(BODY_BYTES_MAX + 1).toString(16)}\r\n${' '.repeat(BODY_BYTES_MAX + 1)}`);
    const chunked = at(world, door, 'a chunked body of one byte too many', {
      headers: [['Transfer-Encoding', 'chunked']],
      body: chunks,
      told: TOO_LARGE,
    });
    return [...over, chunked];
  });
}

function at(
  world: RefusalWorld,
  door: Door,
  what: string,
  more: Pick<RefusalCase, 'headers' | 'body' | 'told'>,
): RefusalCase {
  const { method, path, auth, name } = door;
  return { what: `${what} at ${name}`, method, path, as: tokenFor(world, auth), ...more };
}
