// Good frames of every kind that an agent may say, and what can be wrong with them while they are still framed well.

import type { Random } from './random.js';

export type Frame = Record<string, unknown>;

/** Whose frames they are. */
export interface SessionCast {
  readonly addresses: readonly string[];
  readonly tokens: readonly string[];
}

const CONTENT_BYTES_MAX = 65_536;
const VALUE_BYTES_MAX = 1_048_576;
const KEY_BYTES_MAX = 1_024;
const TEXTS = ['x', 'hello', 'é€\u{1f600}', '\u0001', 'x'.repeat(2_000), '"\\/\b\f\n\r\t', '__proto__', ' '];
const KEYS = ['fuzz/a', 'fuzz/b', 'fuzz/é', 'fuzz/\u{1f600}', 'k'.repeat(KEY_BYTES_MAX), '__proto__'];

type Make = (random: Random, cast: SessionCast, id: unknown) => Frame;

const send: Make = (random, { addresses }, id) => ({
  type: 'send',
  id,
  to: random.pick(addresses),
  content: random.pick(TEXTS),
  ...(random.oneIn(3) && { idempotency_key: `k${random.below(40)}` }),
});

const MAKERS: readonly Make[] = [
  send,
  send,
  send,
  () => ({ type: 'ack', seq: 0 }),
  (random, _cast, id) => ({ type: 'state.get', id, key: random.pick(KEYS) }),
  (random, _cast, id) => ({
    type: 'state.put',
    id,
    key: random.pick(KEYS),
    value: random.pick(TEXTS),
    ...random.pick([{}, {}, { if_match: '*' }, { if_match: 'e' }, { if_none_match: '*' }]),
  }),
  (random, _cast, id) => ({
    type: 'state.delete',
    id,
    key: random.pick(KEYS),
    ...(random.oneIn(3) && { if_match: 'x' }),
  }),
  (random, _cast, id) => ({ type: 'state.list', id, prefix: random.pick(['', 'fuzz/']), limit: random.below(9) }),
  (random, _cast, id) => ({ type: 'registry', id, ...(random.oneIn(2) && { limit: random.below(9) }) }),
  (random, _cast, id) => ({ type: 'watch', id, prefix: random.pick(['fuzz/', 'fuzz/a', '']) }),
  (_random, _cast, id) => ({ type: 'unwatch', id }),
  (_random, _cast, id) => ({ type: 'ping', id }),
];

export function goodFrame(random: Random, cast: SessionCast, id: unknown): Frame {
  return random.pick(MAKERS)(random, cast, id);
}

export function helloFrame(random: Random): Frame {
  return {
    type: 'hello',
    ...(random.oneIn(2) && { window: random.pick([1, 2, 64, 1024]) }),
    ...(random.oneIn(3) && { last_seq: random.pick([0, 1, 5, Number.MAX_SAFE_INTEGER]) }),
    ...(random.oneIn(4) && { epoch: 'another' }),
  };
}

/** In the place of any member. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  1e308,
  2 ** 53,
  -(2 ** 53),
  '',
  'x',
  '\0',
  '*',
  '"',
  [],
  [[[[]]]],
  {},
  { toString: 'x' },
  'x'.repeat(300),
  'x'.repeat(70_000),
  '\u{10ffff}'.repeat(500),
];

/** Each bound of the contract, and one more. */
const AT_BOUNDS: Readonly<Record<string, readonly unknown[]>> = {
  id: ['i'.repeat(128), 'i'.repeat(129), '', Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0.5],
  seq: [0, -1, Number.MAX_SAFE_INTEGER, 2 ** 53, 0.5],
  last_seq: [0, -1, Number.MAX_SAFE_INTEGER, 2 ** 53],
  window: [0, 1, 1024, 1025, 1.5],
  content: [
    'c'.repeat(CONTENT_BYTES_MAX),
    'c'.repeat(CONTENT_BYTES_MAX + 1),
    'é'.repeat(CONTENT_BYTES_MAX / 2 + 1),
    '',
    '\ud800',
    'a\udc00\ud800',
  ],
  value: ['v'.repeat(VALUE_BYTES_MAX), 'v'.repeat(VALUE_BYTES_MAX + 1), ''],
  key: [
    'k'.repeat(KEY_BYTES_MAX),
    'k'.repeat(KEY_BYTES_MAX + 1),
    'é'.repeat(KEY_BYTES_MAX / 2 + 1),
    '',
    '\0',
    '\ud800',
    '_capacity',
  ],
  prefix: ['p'.repeat(KEY_BYTES_MAX), 'p'.repeat(KEY_BYTES_MAX + 1), '\0', '\u{10ffff}'],
  cursor: ['', 'A', 'A'.repeat(2_000), '%', 'cGxhbg'],
  limit: [0, -1, 1, 100, 1_000, 2 ** 31, 0.5],
  to: ['', 'tab_x', `tab_${'0'.repeat(20)}`, 'x'.repeat(2_000), '\0', '../x'],
  idempotency_key: ['', 'k'.repeat(255), 'k'.repeat(256), 'é', ' '],
  if_match: ['', '*', '"x"', 'e'.repeat(300)],
  if_none_match: ['', '*', 'x'],
  token: ['', 'x', 'at_live_', `at_live_${'0'.repeat(64)}`, 'x'.repeat(5_000)],
};

const TYPES = ['welcome', 'message', 'ok', 'pong', '', 'SEND', 'send ', 'constructor', '__proto__', 'auth', 'hello'];

/** Large values are rare: they cost a hundred times as much as all the rest. */
const LARGE_ONE_IN = 20;

function pickFit(random: Random, values: readonly unknown[]): unknown {
  const value = random.pick(values);
  const large = typeof value === 'string' && value.length > 10_000;
  return large && !random.oneIn(LARGE_ONE_IN) ? 'small' : value;
}

/** The frame with one to three things changed. */
export function mutateFrame(random: Random, frame: Frame): Frame {
  const changed: Frame = { ...frame };
  for (let times = 1 + random.below(3); times > 0; times--) {
    const name = random.pick(Object.keys(changed).concat('type'));
    switch (random.below(7)) {
      case 0:
        delete changed[name];
        break;
      case 1:
        changed[random.pick(Object.keys(AT_BOUNDS))] = pickFit(random, VALUES);
        break;
      case 2:
        changed.type = random.pick(TYPES);
        break;
      case 3:
        changed[name] = pickFit(random, VALUES);
        break;
      default:
        changed[name] = pickFit(random, AT_BOUNDS[name] ?? VALUES);
    }
  }
  return changed;
}

/** What is no frame at all, whatever it would be encoded as. */
export const NO_FRAMES: readonly unknown[] = [null, 0, 'send', [], [{ type: 'ping', id: 1 }], true];
