// Headers that mean something here: Idempotency-Key, If-Match, If-None-Match; and heads near and past their bounds.

import { BAD, CONFLICT, HEAD_TOO_LARGE, type Header, type RefusalCase, type Told } from './case.js';
import type { RefusalWorld } from './world.js';

/** A name that HTTP allows and the library does not. */
const ODD_NAME = { uws: 'mute', node: [200] } as const;
/** The library says nothing until the time for a head is over. */
const MUTE = { uws: 'mute', node: BAD } as const;

export function wrongHeaders(world: RefusalWorld): readonly RefusalCase[] {
  return [...idempotencyKeys(world), ...conditions(world), ...heads(world)];
}

function idempotencyKeys({ agent, operator, stranger }: RefusalWorld): readonly RefusalCase[] {
  const to = stranger.agent.agent_address;
  const message = JSON.stringify({ to, content: 'once' });
  const send = (what: string, keys: readonly string[], told: RefusalCase['told'], body = message): RefusalCase => ({
    what: `Idempotency-Key: ${what}`,
    method: 'POST',
    path: '/v1/messages',
    as: agent.agent_token,
    headers: keys.map((key): Header => ['Idempotency-Key', key]),
    body,
    told,
  });
  const longest = 'k'.repeat(255);
  const bad: readonly (readonly [what: string, key: string])[] = [
    ['nothing', ''],
    ['256 characters', 'k'.repeat(256)],
    ['10,000 characters', 'k'.repeat(10_000)],
    ['two words', 'two words'],
    ['a tab within', 'two\twords'],
    ['a byte above ASCII', 'k\xe9k'],
    ['UTF-8', 'k\xc3\xa9k'],
    ['the last control byte', 'k\x7f'],
  ];
  return [
    ...bad.map(([what, key]) => send(what, [key], BAD)),
    send('two of them', ['a', 'b'], BAD),
    send('the same twice', ['a', 'a'], BAD),
    send('a NUL', ['a\0b'], MUTE),
    send('a byte above ASCII at the end', ['k\xe9'], { uws: [202], node: BAD }),
    send('255 characters', [longest], [202]),
    send('255 characters, again', [longest], [202]),
    send('255 characters, with another body', [longest], CONFLICT, JSON.stringify({ to, content: 'twice' })),
    send('one odd character', ['!'], [202]),
    send('a name of an object', ['__proto__'], [202]),
    ...(
      [
        ['/v1/operators', undefined, '{"contact_hash":"x"}'],
        ['/v1/agents', operator.api_key, '{"verification_response":{"challenge_id":"x","response":"x"}}'],
        ['/v1/messages/batch', agent.agent_token, `{"messages":[${message}]}`],
        ['/v1/messages/ack', agent.agent_token, '{"message_ids":["x"]}'],
      ] as const
    ).map(
      ([path, as, body]): RefusalCase => ({
        what: `Idempotency-Key: two words at ${path}`,
        method: 'POST',
        path,
        as,
        headers: [['Idempotency-Key', 'two words']],
        body,
        told: BAD,
      }),
    ),
  ];
}

function conditions({ agent: { agent_token: as }, key }: RefusalWorld): readonly RefusalCase[] {
  const calls = (what: string, headers: readonly Header[], put: RefusalCase['told'], remove = put): RefusalCase[] => [
    { what: `PUT if ${what}`, method: 'PUT', path: `/v1/state/${key}`, as, headers, body: '{"value":"x"}', told: put },
    { what: `DELETE if ${what}`, method: 'DELETE', path: `/v1/state/${key}`, as, headers, told: remove },
  ];
  const match = (value: string, told: RefusalCase['told']) => calls(`${value} matches`, [['If-Match', value]], told);
  const none = (value: string, put: Told) => calls(`none matches ${value}`, [['If-None-Match', value]], put, BAD);
  const odd = ['x', '"', '""', '"x', 'x"', "'x'", 'W/"x"', '"x", "y"', '"x""y"', '"*"', '**', '*, "x"', '', '"\xe9"'];
  const long = [65, 66, 1000, 10_000].map((chars) => `"${'e'.repeat(chars)}"`);
  return [
    ...[...odd, ...long].flatMap((value) => match(value, BAD)),
    ...['"x"', `"${'e'.repeat(64)}"`, '"__proto__"', '" "'].flatMap((value) => match(value, CONFLICT)),
    ...['"x"', '', 'x', '**', '*, *', '"*"', 'W/*'].flatMap((value) => none(value, BAD)),
    ...none('*', CONFLICT),
    ...calls(
      'both',
      [
        ['If-Match', '*'],
        ['If-None-Match', '*'],
      ],
      BAD,
    ),
    ...calls(
      'two etags',
      [
        ['If-Match', '"a"'],
        ['If-Match', '"b"'],
      ],
      BAD,
    ),
    ...calls(
      '* twice',
      [
        ['If-Match', '*'],
        ['If-Match', '*'],
      ],
      BAD,
    ),
  ];
}

/** The bounds of a head, and what is far past them, in names, values, numbers. */
function heads({ agent: { agent_token: as } }: RefusalWorld): readonly RefusalCase[] {
  const path = '/v1/agents/me';
  const many = (count: number): Header[] => Array.from({ length: count }, (_, i): Header => [`X-${i}`, 'v']);
  const ask = (what: string, headers: readonly Header[], told: RefusalCase['told']): RefusalCase => ({
    what: `a head with ${what}`,
    path,
    as,
    headers,
    told,
  });
  return [
    ask('64 headers', many(62), [200]),
    ask('65 headers', many(63), HEAD_TOO_LARGE),
    ask('90 headers', many(88), HEAD_TOO_LARGE),
    ask('1,000 headers', many(1000), { uws: 'mute', node: HEAD_TOO_LARGE }),
    ask('a value of 15,000 bytes', [['X-Large', 'v'.repeat(15_000)]], [200]),
    ask('a value of 16,400 bytes', [['X-Large', 'v'.repeat(16_400)]], HEAD_TOO_LARGE),
    { ...ask('a value of 100,000 bytes', [['X-Large', 'v'.repeat(100_000)]], [431]), mayBeCut: true },
    { ...ask('a value of 1 MB', [['X-Large', 'v'.repeat(1_000_000)]], [431]), mayBeCut: true },
    ask('a name of 16,400 bytes', [['X'.repeat(16_400), 'v']], HEAD_TOO_LARGE),
    ask(
      '60 values of 300 bytes',
      many(60).map(([name]): Header => [name, 'v'.repeat(300)]),
      HEAD_TOO_LARGE,
    ),
    ask(
      'two hosts',
      [
        ['Host', 'x'],
        ['Host', 'y'],
      ],
      BAD,
    ),
    ask(
      'two equal hosts',
      [
        ['Host', 'x'],
        ['Host', 'x'],
      ],
      BAD,
    ),
    ask('a NUL in a value', [['X-Odd', 'a\0b']], MUTE),
    ask('a request id above ASCII', [['X-Request-ID', 'a\xe9b']], BAD),
    ask('a request id of 129 characters', [['X-Request-ID', 'r'.repeat(129)]], [200]),
    ask('a request id of two words', [['X-Request-ID', 'two words']], [200]),
    ask('constructor for a name', [['constructor', 'v']], [200]),
    ask('__proto__ for a name', [['__proto__', 'v']], ODD_NAME),
    ask('a dot in a name', [['X.Y', 'v']], ODD_NAME),
    ask('a blank in a name', [['X Y', 'v']], MUTE),
    ask('a blank after a name', [['X ', 'v']], MUTE),
    ask('a byte above ASCII in a name', [['X\xe9', 'v']], MUTE),
    ask('no name', [['', 'v']], { uws: [200], node: BAD }),
    ask('a folded value', [['X-Odd', 'a\r\n b']], MUTE),
    ask('a lone CR in a value', [['X-Odd', 'a\rb']], MUTE),
    ask('a lone LF for a line end', [['X-Odd', 'a\nX-Other: b']], MUTE),
    ask('an expectation of wonders', [['Expect', 'wonders']], [200]),
    ask(
      'an upgrade to nowhere',
      [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'h2c'],
      ],
      [200],
    ),
    ask('a method in a header', [['X-HTTP-Method-Override', 'DELETE']], [200]),
    ask('odd forwarding', [['X-Forwarded-For', ', , 999.9.9.9, [::1, %']], [200]),
  ];
}
