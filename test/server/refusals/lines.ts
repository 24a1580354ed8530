// Request lines and framings that no HTTP client would send: written byte by byte, and told as docs/listeners.md says.

import { BAD, HEAD_TOO_LARGE, NOT_FOUND, NOT_HTTP, type RefusalCase, WRONG_METHOD } from './case.js';
import type { RefusalWorld } from './world.js';

const CHUNKED = [['Transfer-Encoding', 'chunked']] as const;

type ToldByEach = RefusalCase['told'];

const UNREAD: ToldByEach = { uws: NOT_HTTP, node: BAD };
const FRAMING: ToldByEach = { uws: 'ended', node: BAD };
/** Node says nothing where an answer is owed to a head that it has taken; the library has a page for it. */
const BROKEN_CHUNK: ToldByEach = { uws: [400], node: 'ended' };

export function wrongTargets({ agent: { agent_token: as } }: RefusalWorld): readonly RefusalCase[] {
  const at = (path: string, told: ToldByEach): RefusalCase => ({
    what: `the target ${path.slice(0, 50)} (${path.length})`,
    path,
    as,
    told,
  });
  return [
    ...[
      'http://x/v1/agents/me',
      'https://x/v1/agents/me',
      'HTTP://x:80/v1/agents/me',
      'ftp://x/',
      '*',
      'v1/agents/me',
      '?',
      'x:80',
    ].map((path) => at(path, UNREAD)),
    ...['/v1/agents/me#', '/v1/agents/me#x', '/v1/agents/me?a#b'].map((path) => at(path, BAD)),
    ...['/v1/state/\xe9', '/v1/state/\xc3\xa9', '/v1/state?prefix=\xff', '/\xff'].map((path) => at(path, BAD)),
    at('/v1/agents/me x', UNREAD),
    { ...at('x:80', UNREAD), what: 'CONNECT', method: 'CONNECT' },
    { ...at('/v1/agents/me', { uws: WRONG_METHOD, node: BAD }), what: 'CONNECT of a path', method: 'CONNECT' },
    at('/v1/agents /me', UNREAD),
    at('/\\v1\\agents\\me', NOT_FOUND),
    at('/v1/agents/me?', [200]),
    at('/v1/agents/me?limit=\\', [200]),
    at(`/v1/agents/me?${'q'.repeat(10_000)}`, [200]),
    at(`/v1/agents/me?${'q'.repeat(17_000)}`, HEAD_TOO_LARGE),
    at(`/v1/state?prefix=${'%41'.repeat(5_400)}`, BAD),
    at(`/${'a'.repeat(17_000)}`, HEAD_TOO_LARGE),
  ];
}

export function wrongFramings({ agent: { agent_token: as } }: RefusalWorld): readonly RefusalCase[] {
  const hidden = Buffer.from('GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n');
  const at = (what: string, headers: RefusalCase['headers'], told: ToldByEach, body = hidden): RefusalCase => ({
    what: `framed by ${what}`,
    method: 'PUT',
    path: '/v1/state/framed',
    as,
    headers: headers ?? [],
    body,
    told,
  });
  const odd = ['-1', '+3', '3x', '0x3', '3.0', '1e1', ' ', '3, 3', '3 3', '9'.repeat(16), '9'.repeat(400)];
  return [
    ...odd.map((length) =>
      at(`Content-Length ${length.slice(0, 20)} (${length.length})`, [['Content-Length', length]], FRAMING),
    ),
    at(
      'two equal lengths',
      [
        ['Content-Length', '3'],
        ['Content-Length', '3'],
      ],
      FRAMING,
    ),
    at(
      'two lengths',
      [
        ['Content-Length', '3'],
        ['Content-Length', '37'],
      ],
      FRAMING,
    ),
    ...['gzip', 'gzip, chunked', 'chunked, gzip', 'identity', 'chunked;q=1'].map((coding) =>
      at(`Transfer-Encoding ${coding}`, [['Transfer-Encoding', coding]], FRAMING),
    ),
    at(
      'chunked twice',
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'chunked'],
      ],
      FRAMING,
    ),
    at(
      'a length and chunks',
      [
        ['Content-Length', '4'],
        ['Transfer-Encoding', 'chunked'],
      ],
      { uws: [400], node: BAD },
    ),
    at(
      'chunks and a length',
      [
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '4'],
      ],
      { uws: [400], node: BAD },
    ),
    ...['zz\r\nabc\r\n', '-1\r\nabc\r\n', '0x2\r\n{}\r\n0\r\n\r\n', 'f'.repeat(18), '{"value":"x"}'].map((chunks) =>
      at(`the chunk ${JSON.stringify(chunks)}`, CHUNKED, BROKEN_CHUNK, Buffer.from(chunks)),
    ),
    // Leniences of the library that no proxy in front of it should share: it takes an empty size for the last chunk, and
    // what comes in the place of the line end after a chunk for the line end.
    at('an empty chunk size', CHUNKED, { uws: BAD, node: 'ended' }, Buffer.from('\r\n')),
    at('no line end after a chunk', CHUNKED, { uws: BAD, node: 'ended' }, Buffer.from('2\r\n{}0\r\n\r\n')),
  ];
}
