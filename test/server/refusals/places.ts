// What a path or a query holds: keys, addresses, workers, cursors, limits, prefixes, modes.

import { BAD, NOT_FOUND, type RefusalCase, type Told } from './case.js';
import type { RefusalWorld } from './world.js';

const KEY_BYTES_MAX = 1024;
const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** Escapes that spell no text. */
const BROKEN = [
  '%',
  '%2',
  '%zz',
  'a%',
  '%%41',
  '%u0041',
  '%ff',
  '%c3',
  '%c3%28',
  '%c0%af',
  '%e0%80%af',
  '%ed%a0%80',
  '%ed%b0%80',
  '%ed%a0%80%ed%b0%80',
  '%f4%90%80%80',
  '%f8%88%80%80%80',
  '%fe',
  '%80',
  '%e2%82',
];

export function wrongPlaces(world: RefusalWorld): readonly RefusalCase[] {
  return [...keys(world), ...addresses(world), ...workers(world), ...pages(world), ...takes(world), ...observations()];
}

function keys({ agent: { agent_token: as } }: RefusalWorld): readonly RefusalCase[] {
  const all = (key: string, put: Told, get: Told, remove: Told): RefusalCase[] => {
    const what = `the key ${key.slice(0, 40)} (${key.length})`;
    const path = `/v1/state/${key}`;
    return [
      { what: `PUT ${what}`, method: 'PUT', path, as, body: '{"value":"x"}', told: put },
      { what: `GET ${what}`, path, as, told: get },
      { what: `DELETE ${what}`, method: 'DELETE', path, as, told: remove },
      { what: `DELETE again ${what}`, method: 'DELETE', path, as, told: remove === BAD ? BAD : NOT_FOUND },
    ];
  };
  const taken = (key: string): RefusalCase[] => all(key, [200], [200], [200]);
  const refused = (key: string): RefusalCase[] => all(key, BAD, BAD, BAD);
  return [
    ...['', '%00', 'a%00', '%00a', ...BROKEN].flatMap(refused),
    ...['%2F', '/', '//', '..', '%2e%2e%2f', '.', '+', '%20', ';', '&=', '%25', '%2525', '__proto__'].flatMap(taken),
    ...taken('k'.repeat(KEY_BYTES_MAX)),
    ...taken('%01'.repeat(KEY_BYTES_MAX)),
    ...taken('%c3%a9'.repeat(KEY_BYTES_MAX / 2)),
    ...refused('k'.repeat(KEY_BYTES_MAX + 1)),
    ...refused('%01'.repeat(KEY_BYTES_MAX + 1)),
    ...refused(`${'%c3%a9'.repeat(KEY_BYTES_MAX / 2)}x`),
    ...refused('k'.repeat(10_000)),
    ...all('_capacity', BAD, [200], BAD),
    ...all('%5Fcapacity', BAD, [200], BAD),
  ];
}

/** Nobody's, somebody else's, and what can be no address, where an operator speaks of an agent of its own. */
function addresses({ operator, stranger, retired }: RefusalWorld): readonly RefusalCase[] {
  const calls: readonly Pick<RefusalCase, 'method' | 'body'>[] = [{ method: 'DELETE' }, { method: 'POST', body: '{}' }];
  const at = (address: string, told: Told): RefusalCase[] =>
    calls.map((call) => ({
      what: `${call.method} agent ${address.slice(0, 40)} (${address.length})`,
      ...call,
      path: `/v1/agents/${address}${call.method === 'POST' ? '/rotate-token' : ''}`,
      as: operator.api_key,
      told,
    }));
  const own = stranger.agent.agent_address;
  const nobodies = ['tab_00000000000000000000', 'x', '_', '..', '__proto__', 'constructor', '%20', '%2e%2e', 'a%2Fb'];
  return [
    ...[...nobodies, own, own.toUpperCase(), `${own}0`, retired.agent_address, `%74${own.slice(1)}`].flatMap(
      (address) => at(address, NOT_FOUND),
    ),
    ...['%00', 'a'.repeat(64), 'a'.repeat(65), 'a'.repeat(10_000), ';', '*'].flatMap((address) =>
      at(address, NOT_FOUND),
    ),
    ...BROKEN.flatMap((address) => at(address, BAD)),
  ];
}

function workers({ admin }: RefusalWorld): readonly RefusalCase[] {
  const numbers = ['1', '256', '9999', '99999', '-0', '-1', '0x0', '0.0', '0e0', '1e1', '%30', '+0', 'x', '%00', 'NaN'];
  return [...numbers, ...BROKEN].map((n) => ({
    what: `worker ${n}`,
    method: 'POST',
    path: `/admin/workers/${n}/replace`,
    as: admin,
    body: '',
    told: NOT_FOUND,
  }));
}

function pages({ agent, operator }: RefusalWorld): readonly RefusalCase[] {
  const uuid = '01900000-0000-7000-8000-000000000000';
  const lists: readonly (readonly [path: string, as: string, bytesMax: number])[] = [
    ['/v1/registry', agent.agent_token, 64],
    ['/v1/agents', operator.api_key, 64],
    ['/v1/state', agent.agent_token, KEY_BYTES_MAX],
  ];
  return lists.flatMap(([path, as, bytesMax]) => {
    const at = (query: string, told: Told): RefusalCase => ({
      what: `${path}?${query.slice(0, 60)} (${query.length})`,
      path: `${path}?${query}`,
      as,
      told,
    });
    const longest = base64url('x'.repeat(bytesMax));
    const cursors = [
      'x',
      '*',
      '%20',
      'a=b',
      'eA==',
      'eB',
      'e+A',
      '+',
      '/w',
      base64url('\xff').slice(0, 1),
      longest.slice(1),
    ];
    const noText = [Buffer.from([0xff]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0x80])].map(base64url);
    const nul = ['\0', 'a\0', '\0'.repeat(bytesMax)].map(base64url);
    const long = [bytesMax + 1, bytesMax * 2, 4000].map((bytes) => base64url('x'.repeat(bytes)));
    const limits = [
      '0',
      '-1',
      '1001',
      '9'.repeat(1000),
      '1e2',
      '0x10',
      '1.5',
      'ten',
      '',
      '%',
      'NaN',
      '%31',
      '1&limit=0',
    ];
    return [
      ...[...cursors, ...noText, ...nul, ...long, ...BROKEN].map((cursor) => at(`cursor=${cursor}`, BAD)),
      ...[longest, base64url(uuid), base64url('\u0001'.repeat(bytesMax)), ''].map((cursor) =>
        at(`cursor=${cursor}`, [200]),
      ),
      ...limits.map((limit) => at(`limit=${limit}`, [200])),
      ...['&', '&&&&', '=', 'x', '%', `${'a&'.repeat(4000)}`, 'Cursor=*', 'cursors=*'].map((query) => at(query, [200])),
      ...(path === '/v1/state' ? prefixes(at) : []),
    ];
  });
}

function prefixes(at: (query: string, told: Told) => RefusalCase): readonly RefusalCase[] {
  return [
    ...[
      '%00',
      'a%00b',
      'k'.repeat(KEY_BYTES_MAX + 1),
      '%01'.repeat(KEY_BYTES_MAX + 1),
      'k'.repeat(9000),
      ...BROKEN,
    ].map((prefix) => at(`prefix=${prefix}`, BAD)),
    ...['', '+', '%2F', '..', 'k'.repeat(KEY_BYTES_MAX), '%01'.repeat(KEY_BYTES_MAX)].map((prefix) =>
      at(`prefix=${prefix}`, [200]),
    ),
    at(`prefix=b&cursor=${base64url('z')}`, [200]),
    at(`prefix=b&cursor=${base64url('a')}`, [200]),
  ];
}

function takes({ agent: { agent_token: as } }: RefusalWorld): readonly RefusalCase[] {
  const at = (query: string, told: Told): RefusalCase => ({
    what: `take ${query.slice(0, 60)} (${query.length})`,
    path: `/v1/messages?${query}`,
    as,
    told,
  });
  const modes = ['', 'x', 'Lease', 'LEASE', 'lease%20', '+lease', 'consume,lease', '%00', ...BROKEN];
  const numbers = ['0', '-1', '101', '1e9', 'x', '', '%', '9'.repeat(400)];
  return [
    ...modes.map((mode) => at(`mode=${mode}`, BAD)),
    ...numbers.map((limit) => at(`mode=lease&lease_s=1&limit=${limit}`, [200])),
    ...numbers.map((lease) => at(`limit=1&mode=lease&lease_s=${lease}`, [200])),
    ...['0', '-1', 'x', '', '%', '1.5'].map((wait) => at(`limit=1&wait=${wait}`, [200])),
    at('mode=lease&mode=x', [200]),
    at('mode=x&mode=lease', BAD),
  ];
}

/** Past what a loopback server lets everybody do. */
function observations(): readonly RefusalCase[] {
  const at = (path: string, told: Told): RefusalCase => ({ what: `GET ${path.slice(0, 60)}`, path, told });
  const events = (query: string, told: Told): RefusalCase => at(`/observe/events?${query}`, told);
  const types = (count: number): string => Array.from({ length: count }, (_, i) => `t${i}`).join();
  return [
    ...['-1', '1.5', '1e3', 'x', '0x1', '+1', '%31x', '9007199254740992', '1'.repeat(400), ...BROKEN].map((since) =>
      events(`since=${since}`, BAD),
    ),
    ...['', '0', '1', '%31', '0001', '9007199254740991'].map((since) => events(`since=${since}`, [200])),
    ...['A', 'a,', ',a', 'a,,b', 'a%20b', 'a-b', '1', '*', 'a%00', 't'.repeat(65), types(17), ...BROKEN].map((type) =>
      events(`type=${type}`, BAD),
    ),
    ...['', 'a', 'message_sent,state_written', 't'.repeat(64), types(16)].map((type) => events(`type=${type}`, [200])),
    ...['a'.repeat(257), '%c3%a9'.repeat(129), ...BROKEN].map((agent) => events(`agent=${agent}`, BAD)),
    ...['', 'nobody', '%00', '%f0%9f%98%80', 'a'.repeat(256)].map((agent) => events(`agent=${agent}`, [200])),
    ...['0', '1001', '-1', 'x', ''].map((limit) => events(`limit=${limit}`, [200])),
    ...['!', 'a', base64url('a\0b'), base64url('k'.repeat(KEY_BYTES_MAX + 1)), ...BROKEN].map((cursor) =>
      at(`/observe/state?cursor=${cursor}`, BAD),
    ),
    ...['%00', 'p'.repeat(KEY_BYTES_MAX + 1), ...BROKEN].map((prefix) => at(`/observe/state?prefix=${prefix}`, BAD)),
    ...['', '%00', 'k'.repeat(KEY_BYTES_MAX + 1), ...BROKEN].map((key) => at(`/observe/state/${key}`, BAD)),
    ...['absent', '_capacity', '..', '%2F', 'k'.repeat(KEY_BYTES_MAX)].map((key) =>
      at(`/observe/state/${key}`, NOT_FOUND),
    ),
    ...summaries(at),
  ];
}

/** What pages of the summaries end with is a number and addresses: everything else was never given. */
function summaries(at: (path: string, told: Told) => RefusalCase): readonly RefusalCase[] {
  const nobody = 'tab_00000000000000000000';
  const nowhere = ['x', '*', base64url('x'.repeat(161)), base64url('\0'), base64url('-1'), base64url('1.5'), ...BROKEN];
  const noPlaces: readonly (readonly [path: string, places: readonly string[]])[] = [
    ['/observe/agents', ['0', '01', '+1', '1 a', '1e3', '9007199254740992', ' 1', 'x']],
    [`/observe/agents/${nobody}`, ['1', '1 ', '1 A', '0 a', '1  a', '1 a b', 'a 1', `1 ${'a'.repeat(65)}`]],
    ['/observe/network', ['1 a', '1 a b c', '0 a b', '-1 a b', '1 a B', '1 a ', `1 a ${'b'.repeat(65)}`, 'a b 1']],
  ];
  return [
    ...noPlaces.flatMap(([path, places]) =>
      [...places.map(base64url), ...nowhere].map((cursor) => at(`${path}?cursor=${cursor}`, BAD)),
    ),
    ...['A', '%20', 'a-b', '%2F', '%00', 'a'.repeat(65), 'a'.repeat(5000), nobody, '__proto__', '%c3%a9'].map((agent) =>
      at(`/observe/agents/${agent}`, NOT_FOUND),
    ),
    ...BROKEN.map((agent) => at(`/observe/agents/${agent}`, BAD)),
    ...['/observe/agents', '/observe/network'].flatMap((path) =>
      ['limit=0', 'limit=1001', 'limit=x', 'limit=', 'cursor=', '&&', 'since=x'].map((query) =>
        at(`${path}?${query}`, [200]),
      ),
    ),
    at(`/observe/agents?cursor=${base64url('9007199254740991')}`, [200]),
    at(`/observe/network?cursor=${base64url(`9007199254740991 ${'a'.repeat(64)} ${'b'.repeat(64)}`)}`, [200]),
  ];
}
