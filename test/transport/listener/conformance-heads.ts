// Heads: what reaches the handler, and what never does.

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { it } from 'node:test';
import type { RequestHead } from '../../../src/transport/listener/request-head.js';
import { echoHead, HOST, type Stage, type Subject, TEXT } from './listener-stage.js';
import type { RawClient } from './raw-client.js';

/** Containers are often without it. */
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** What an adapter does with a head that it refuses: answers this, ends the connection mutely, or waits for more. */
type Refusal = number | 'ended' | 'mute';

interface RefusedHead {
  readonly what: string;
  readonly bytes: string;
  readonly uws: Refusal;
  readonly node: Refusal;
}

const refused: readonly RefusedHead[] = [
  ...framing('a negative Content-Length', 'Content-Length: -1'),
  ...framing('a signed Content-Length', 'Content-Length: +3'),
  ...framing('a Content-Length that is no number', 'Content-Length: 3x'),
  ...framing('an empty Content-Length', 'Content-Length: '),
  ...framing('a list of Content-Lengths', 'Content-Length: 3, 3'),
  ...framing('two equal Content-Lengths', 'Content-Length: 3\r\nContent-Length: 3'),
  ...framing('two different Content-Lengths', 'Content-Length: 3\r\nContent-Length: 45'),
  ...framing('an unknown Transfer-Encoding', 'Transfer-Encoding: gzip'),
  ...framing('chunked after another coding', 'Transfer-Encoding: gzip, chunked'),
  ...framing('chunked before another coding', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'),
  ...framing('the identity coding', 'Transfer-Encoding: identity'),
  ...framing('an empty Transfer-Encoding beside a length', 'Content-Length: 3\r\nTransfer-Encoding: '),
  {
    what: 'both a Content-Length and a Transfer-Encoding',
    bytes: post('Content-Length: 4\r\nTransfer-Encoding: chunked'),
    uws: 400,
    node: 400,
  },
  { what: 'HTTP/1.0', bytes: `GET / HTTP/1.0\r\n${HOST}\r\n`, uws: 505, node: 505 },
  { what: 'a line that is no request', bytes: 'hello\r\n\r\n', uws: 505, node: 400 },
  { what: 'the beginning of a TLS session', bytes: '\x16\x03\x01\x00\xff\xff\r\n\r\n', uws: 505, node: 400 },
  { what: 'an absolute target', bytes: `GET http://x/a HTTP/1.1\r\n${HOST}\r\n`, uws: 505, node: 400 },
  { what: 'a target without a slash', bytes: `GET a HTTP/1.1\r\n${HOST}\r\n`, uws: 505, node: 400 },
  { what: 'the target *', bytes: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, uws: 505, node: 400 },
  { what: 'CONNECT', bytes: `CONNECT x:80 HTTP/1.1\r\n${HOST}\r\n`, uws: 505, node: 400 },
  { what: 'an unknown method', bytes: `FROB /a HTTP/1.1\r\n${HOST}\r\n`, uws: 400, node: 400 },
  {
    what: 'a target with raw bytes above ASCII',
    bytes: `GET /\xc3\xa4\xff HTTP/1.1\r\n${HOST}\r\n`,
    uws: 400,
    node: 400,
  },
  { what: 'a target with a fragment', bytes: `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, uws: 400, node: 400 },
  {
    what: 'a known header with bytes above ASCII',
    bytes: `GET /a HTTP/1.1\r\n${HOST}X-Request-Id: a\xe4b\r\n\r\n`,
    uws: 400,
    node: 400,
  },
  { what: 'two Host headers', bytes: `GET /a HTTP/1.1\r\n${HOST}${HOST}\r\n`, uws: 400, node: 400 },
  { what: 'no Host header', bytes: 'GET /a HTTP/1.1\r\n\r\n', uws: 'mute', node: 400 },
  {
    what: 'a NUL in a header',
    bytes: `GET /a HTTP/1.1\r\n${HOST}If-Match: a\x00b\r\n\r\n`,
    uws: 'mute',
    node: 400,
  },
  { what: 'more headers than are read', bytes: manyHeaders(70), uws: 431, node: 431 },
  { what: 'far more headers than are read', bytes: manyHeaders(200), uws: 'mute', node: 431 },
  { what: 'a head over the bound', bytes: `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, uws: 431, node: 431 },
];

/** A flaw that leaves open where the request ends. The body looks like a request, which must not be taken for one. */
function framing(what: string, lines: string): RefusedHead[] {
  return [{ what, bytes: post(lines), uws: 'ended', node: 400 }];
}

function post(lines: string): string {
  return `POST /outer HTTP/1.1\r\n${HOST}${lines}\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
}

function manyHeaders(count: number): string {
  return `GET /a HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(count)}\r\n`;
}

async function ask(client: RawClient, request: string): Promise<RequestHead> {
  client.send(request);
  const answer = await client.answer();
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body) as RequestHead;
}

export function headConformance(subject: Subject, stage: Stage): void {
  it('hands over method, path, query, peer and known headers as they were sent (L1)', async () => {
    const { connect } = await stage.listen(echoHead);
    const client = await connect();
    const head = await ask(
      client,
      `DELETE /v1/state/a%2Fb%zz?x=%20&y HTTP/1.1\r\n${HOST}X-Request-ID: r1\r\nUser-Agent: none\r\nAuthorization:  Bearer k \r\n\r\n`,
    );
    assert.deepEqual(head, {
      method: 'DELETE',
      path: '/v1/state/a%2Fb%zz',
      query: 'x=%20&y',
      ip: '127.0.0.1',
      headers: { 'x-request-id': 'r1', authorization: 'Bearer k' },
    });
  });

  it('joins a header that was sent twice', async () => {
    const { connect } = await stage.listen(echoHead);
    const head = await ask(
      await connect(),
      `GET / HTTP/1.1\r\n${HOST}X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n`,
    );
    assert.equal(head.headers['x-forwarded-for'], '10.0.0.1, 10.0.0.2');
  });

  it('keeps the head valid after the request is gone (L1)', async () => {
    const heads: RequestHead[] = [];
    const { connect } = await stage.listen((exchange) => {
      heads.push(exchange.head);
      exchange.respond(200, TEXT, '');
    });
    const client = await connect();
    for (const path of ['/first', '/second', '/third']) {
      client.send(`GET ${path} HTTP/1.1\r\n${HOST}X-Request-Id: ${path}\r\n\r\n`);
      await client.answer();
    }
    assert.deepEqual(
      heads.map((head) => [head.path, head.headers['x-request-id']]),
      [
        ['/first', '/first'],
        ['/second', '/second'],
        ['/third', '/third'],
      ],
    );
  });

  if (hasIpv6) {
    it('gives an IPv6 peer in its shortest form', async () => {
      const { connect } = await stage.listen(echoHead, { host: '::1' });
      const head = await ask(await connect('::1'), `GET / HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal(head.ip, '::1');
    });

    it('gives an IPv4 peer of an IPv6 socket as IPv4', async () => {
      const { connect } = await stage.listen(echoHead, { host: '::' });
      const head = await ask(await connect('127.0.0.1'), `GET / HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal(head.ip, '127.0.0.1');
    });
  }

  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    it(`lets ${method} reach the handler`, async () => {
      const { connect } = await stage.listen(echoHead);
      const head = await ask(await connect(), `${method} /a HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal(head.method, method);
    });
  }

  it('takes a target of 10,000 bytes', async () => {
    const { connect } = await stage.listen(echoHead);
    const path = `/${'a'.repeat(9_999)}`;
    assert.equal((await ask(await connect(), `GET ${path} HTTP/1.1\r\n${HOST}\r\n`)).path, path);
  });

  it('takes headers of 10,000 bytes that come in pieces', async () => {
    const { connect } = await stage.listen(echoHead);
    const client = await connect();
    await client.send(`GET / HTTP/1.1\r\n${HOST}If-Match: `).flushed();
    for (let piece = 0; piece < 10; piece += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await client.send('a'.repeat(1000)).flushed();
    }
    assert.equal((await ask(client, '\r\n\r\n')).headers['if-match'], 'a'.repeat(10_000));
  });

  for (const { what, bytes, [subject.name]: expected } of refused) {
    it(`never hands over ${what}: ${typeof expected === 'number' ? `answers ${expected}` : `is ${expected}`}`, async () => {
      const seen: string[] = [];
      const { connect, defects } = await stage.listen((exchange) => {
        seen.push(exchange.head.path);
        echoHead(exchange);
      });
      const client = await connect();
      client.send(bytes);
      if (typeof expected === 'number') {
        assert.equal((await client.answer()).status, expected);
        await client.end();
      } else if (expected === 'ended') {
        await client.end();
        assert.equal(client.text, '');
      } else {
        await client.flushed();
      }
      // One more request by another way proves that the listener lives and has seen what came before.
      await ask(await connect(), `GET /probe HTTP/1.1\r\n${HOST}\r\n`);
      assert.deepEqual(seen, ['/probe']);
      assert.deepEqual(defects, []);
      assert.equal(client.ended, expected !== 'mute');
    });
  }
}
