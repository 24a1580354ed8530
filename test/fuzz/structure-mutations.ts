// What can be wrong with a request while it still looks like one: its method, target, headers, JSON and framing.

import type { Random } from './random.js';
import type { FuzzRequest } from './requests.js';

type Mutation = (random: Random, request: FuzzRequest) => void;

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  '',
  'G T',
];
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  '',
  'X',
  'HTTP/1.1\r\nHost: y',
];
const TARGET_PIECES = [
  '%',
  '%00',
  '%2',
  '%ff',
  '%C3',
  '%2F',
  '%2e%2e/',
  '..',
  '/',
  '//',
  '?',
  '&',
  '=',
  '#',
  '+',
  ' ',
  '\\',
  ';',
  '\0',
  '\t',
  '\xe9',
  'limit=-1',
  '&cursor=AAAA',
  '&cursor=%',
  `&cursor=${'A'.repeat(1_366)}`,
  `&prefix=${'%01'.repeat(1_024)}`,
  '&mode=x',
  '&wait=30',
  '&prefix=%FF',
  'http://x/',
  '*',
  '_capacity',
  '__proto__',
  'me',
  '%EF%BF%BF',
  'x'.repeat(1_100),
  'x'.repeat(17_000),
];
const NAMES = [
  'Host',
  'Authorization',
  'Content-Type',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'Upgrade',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'X-Request-ID',
  'X-Forwarded-For',
  'Origin',
  'Cookie',
  'TE',
  'Trailer',
  'Keep-Alive',
  'Content-Encoding',
  'Range',
  'Sec-WebSocket-Key',
  'HTTP2-Settings',
  '__proto__',
  'X_Y',
  '',
  ' ',
  'X\0',
];
const VALUES = [
  '',
  ' ',
  '0',
  '-1',
  '1',
  '3',
  '5, 5',
  '1e3',
  '18446744073709551616',
  '9'.repeat(300),
  'chunked',
  'gzip, chunked',
  'identity',
  'close',
  'keep-alive',
  'upgrade',
  'websocket',
  'h2c',
  '100-continue',
  'Bearer',
  'Bearer x',
  `Bearer at_live_${'0'.repeat(64)}`,
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  '*',
  '"x"',
  'W/"x"',
  '"',
  'k'.repeat(255),
  'k'.repeat(256),
  'k'.repeat(20_000),
  '\0',
  '\xff',
  '\x7f',
  'a\rb',
  'a\nX: y',
  'a\r\n b',
  '%s%n',
];
const JSON_PIECES = [
  'null',
  'true',
  '0',
  '-0',
  '1e999',
  '9'.repeat(400),
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '[]',
  '{}',
  '[[[]]]',
  '{"__proto__":null}',
  '"__proto__"',
  '"constructor"',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ' ',
  '\n',
  '\0',
  '\u{feff}',
  '\u{fffd}',
  'NaN',
  '//',
  '"x":1,',
  `"${'x'.repeat(70_000)}"`,
  '['.repeat(2_000),
  '{"a":'.repeat(2_000),
  `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
  `[${'0,'.repeat(5_000)}0]`,
  `"${'\\u00e9'.repeat(3_000)}"`,
];
const LENGTH_ERRORS = [-1, 1, -1_000, 1_000, 100_000, 3_000_000, 1e12, -1e9, 0.5];
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

const changeMethod: Mutation = (random, request) => {
  request.method = random.pick(METHODS);
};

const changeVersion: Mutation = (random, request) => {
  request.version = random.pick(VERSIONS);
};

const changeTarget: Mutation = (random, request) => {
  const { target } = request;
  const from = random.below(target.length + 1);
  const to = random.oneIn(2) ? from : from + random.size(target.length - from);
  request.target = target.slice(0, from) + random.pick(TARGET_PIECES) + target.slice(to);
};

const changeHeader: Mutation = (random, request) => {
  const header = random.pick(request.headers);
  if (random.oneIn(4)) header[0] = random.pick(NAMES);
  else header[1] = random.pick(VALUES);
};

const addHeader: Mutation = (random, request) => {
  const count = random.oneIn(20) ? 1 + random.below(200) : 1;
  for (let i = 0; i < count; i++) request.headers.push([random.pick(NAMES), random.pick(VALUES)]);
};

const repeatHeader: Mutation = (random, request) => {
  const [name, value] = random.pick(request.headers);
  request.headers.push([random.oneIn(2) ? name : name.toUpperCase(), value]);
};

const dropHeader: Mutation = (random, request) => {
  request.headers.splice(random.below(request.headers.length), 1);
};

const changeJson: Mutation = (random, request) => {
  const text = request.json ?? '{}';
  const tokens = [...text.matchAll(JSON_TOKEN)];
  if (tokens.length === 0) {
    request.json = random.pick(JSON_PIECES);
    return;
  }
  const token = random.pick(tokens);
  const end = token.index + token[0].length;
  const [before, after] = [text.slice(0, token.index), text.slice(end)];
  const middle = random.pick(['', token[0] + token[0], random.pick(JSON_PIECES), random.pick(JSON_PIECES) + token[0]]);
  request.json = before + middle + after;
};

const changeFraming: Mutation = (random, request) => {
  request.json ??= '{}';
  if (random.oneIn(2)) request.chunks = Array.from({ length: random.below(12) }, () => random.size(4_000));
  else request.lengthError = random.pick(LENGTH_ERRORS);
};

const MUTATIONS: readonly Mutation[] = [
  changeMethod,
  changeVersion,
  changeTarget,
  changeTarget,
  changeHeader,
  changeHeader,
  addHeader,
  repeatHeader,
  dropHeader,
  changeJson,
  changeJson,
  changeJson,
  changeFraming,
];

/** Makes a request wrong in one to four ways. */
export function mutateStructure(random: Random, request: FuzzRequest): void {
  const times = 1 + random.size(3);
  for (let i = 0; i < times; i++) {
    // A request that lost its last header gets one back.
    if (request.headers.length === 0) request.headers.push(['Host', 'x']);
    random.pick(MUTATIONS)(random, request);
  }
}
