// Handshakes: what becomes a socket, what is refused, and what is a request like others.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HttpExchange } from '../../../src/transport/listener/listener.js';
import type { UpgradeExchange } from '../../../src/transport/listener/socket.js';
import type { Stage, Subject } from './listener-stage.js';
import { eventually } from './raw-client.js';
import { echo, frame, framesOf, nobodyLeft, serve, serveUpgrades, upgradeRequest, Witness } from './socket-stage.js';

/** Each has one thing wrong. */
const FLAWED: ReadonlyArray<readonly [what: string, request: string, status: number]> = [
  ['no version', upgradeRequest({ 'Sec-WebSocket-Version': undefined }), 426],
  ['another version', upgradeRequest({ 'Sec-WebSocket-Version': '8' }), 426],
  ['two versions', upgradeRequest({ 'Sec-WebSocket-Version': '13, 13' }), 426],
  ['no key', upgradeRequest({ 'Sec-WebSocket-Key': undefined }), 400],
  ['a short key', upgradeRequest({ 'Sec-WebSocket-Key': 'c2hvcnQ=' }), 400],
  ['a key that is no base64', upgradeRequest({ 'Sec-WebSocket-Key': '?'.repeat(24) }), 400],
  ['two keys', upgradeRequest({ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }), 400],
  ['POST', upgradeRequest({ 'Content-Length': '0' }, 'POST / HTTP/1.1'), 400],
  ['a body', `${upgradeRequest({ 'Content-Length': '2' })}{}`, 400],
  ['an empty subprotocol', upgradeRequest({ 'Sec-WebSocket-Protocol': 'a,,b' }), 400],
  ['a subprotocol that is no token', upgradeRequest({ 'Sec-WebSocket-Protocol': 'a b' }), 400],
  ['one subprotocol twice', upgradeRequest({ 'Sec-WebSocket-Protocol': 'a, a' }), 400],
  ['HTTP/1.0', upgradeRequest({}, 'GET / HTTP/1.0'), 505],
  ['no Host', upgradeRequest({ Host: 'x\r\nHost: y' }), 400],
];

const CROWD = 100;

export function handshakeConformance(_subject: Subject, stage: Stage): void {
  it('hands over the head and what is offered, and answers with the one that was chosen (S1)', async () => {
    const seen: UpgradeExchange[] = [];
    const { connect, listener } = await serveUpgrades(stage, (exchange) => {
      seen.push(exchange);
      exchange.accept('b.2', new Witness());
    });
    const headers = { 'Sec-WebSocket-Protocol': 'a.1, b.2', Authorization: 'Bearer x', Origin: 'http://o' };
    const client = await connect();
    const answer = await client.send(upgradeRequest(headers, 'GET /p?q=1 HTTP/1.1')).answer();
    assert.deepEqual(
      ['upgrade', 'connection', 'sec-websocket-protocol', 'sec-websocket-accept', 'server', 'uwebsockets'].map((name) =>
        answer.headers.get(name)?.toLowerCase(),
      ),
      ['websocket', 'upgrade', 'b.2', 's3pplmbitxaq9kygzzhzrbk+xoo=', undefined, undefined],
    );
    const [exchange] = seen;
    assert.deepEqual(exchange?.protocols, ['a.1', 'b.2']);
    assert.deepEqual(exchange?.head, {
      method: 'GET',
      path: '/p',
      query: 'q=1',
      ip: '127.0.0.1',
      headers: { authorization: 'Bearer x', origin: 'http://o' },
    });
    assert.deepEqual([listener.sockets, listener.connections], [1, 0]);
  });

  it('agrees to no subprotocol that was not chosen, and to no extension (S5)', async () => {
    const { connect } = await serve(stage);
    const headers = { 'Sec-WebSocket-Protocol': 'a', 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const answer = await (await connect()).send(upgradeRequest(headers)).answer();
    assert.equal(answer.status, 101);
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => /protocol|extensions/.test(name)),
      [],
    );
  });

  it('answers a refusal as HTTP, and ends the connection (S1)', async () => {
    const { connect, listener, defects } = await serveUpgrades(stage, (exchange) => {
      exchange.refuse(401, [['www-authenticate', 'Bearer']], '{"error":"unauthorized"}');
    });
    const client = await connect();
    const answer = await client.send(upgradeRequest()).answer();
    assert.deepEqual([answer.status, answer.body], [401, '{"error":"unauthorized"}']);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    assert.ok(answer.headers.has('date'));
    await client.end();
    client.destroy();
    await nobodyLeft(listener);
    assert.deepEqual(defects, []);
  });

  const lapses: ReadonlyArray<readonly [what: string, handler: (exchange: UpgradeExchange) => void]> = [
    ['says nothing', () => undefined],
    ['throws', () => assert.fail('thrown on purpose')],
    [
      'throws after it has accepted',
      (exchange) => {
        exchange.accept(undefined, new Witness({ opened: () => assert.fail('it was opened') }));
        assert.fail('thrown on purpose');
      },
    ],
    [
      'answers twice',
      (exchange) => {
        exchange.refuse(401, [], '');
        exchange.accept(undefined, new Witness());
      },
    ],
    ['chooses what was not offered', (exchange) => exchange.accept('x', new Witness())],
  ];
  for (const [what, handler] of lapses) {
    it(`answers 500 for a handler that ${what} (S1)`, async () => {
      const { connect, defects } = await serveUpgrades(stage, handler);
      const client = await connect();
      const answer = await client.send(upgradeRequest()).answer();
      assert.deepEqual([answer.status, (JSON.parse(answer.body) as { error: string }).error], [500, 'internal_error']);
      await client.end();
      assert.equal(defects.length, 1);
    });
  }

  it('takes no answer after the turn of the handler (S1)', async () => {
    let kept: UpgradeExchange | undefined;
    const { connect } = await serveUpgrades(stage, (exchange) => {
      kept = exchange;
    });
    assert.equal((await (await connect()).send(upgradeRequest()).answer()).status, 500);
    assert.throws(() => kept?.accept(undefined, new Witness()), /in its own turn/);
    assert.throws(() => kept?.refuse(400, [], ''), /in its own turn/);
  });

  for (const [what, request, status] of FLAWED) {
    it(`refuses a handshake with ${what}`, async () => {
      const { connect } = await serveUpgrades(stage, () => assert.fail('the handler was asked'));
      const client = await connect();
      const answer = await client.send(request).answer();
      assert.equal(answer.status, status);
      if (status === 426) assert.equal(answer.headers.get('sec-websocket-version'), '13');
      // Behind an unread body an adapter may leave it to its client to end the connection, in its time.
      assert.equal(what === 'a body' ? answer.headers.get('connection') : 'close', 'close');
      if (what !== 'a body') await client.end();
    });
  }

  const others: ReadonlyArray<readonly [what: string, request: string, body: string]> = [
    ['a handshake without Upgrade', upgradeRequest({ Upgrade: undefined }), 'GET 0'],
    ['a handshake without Connection: upgrade', upgradeRequest({ Connection: 'keep-alive' }), 'GET 0'],
    ['an offer of h2c', upgradeRequest({ Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings' }), 'GET 0'],
    [
      'an offer of h2c with a body',
      `${upgradeRequest({ Upgrade: 'h2c', 'Content-Length': '5' }, 'POST / HTTP/1.1')}hello`,
      'POST 5',
    ],
  ];
  for (const [what, request, body] of others) {
    it(`takes ${what} for a request like others`, async () => {
      const { connect } = await serveUpgrades(stage, () => assert.fail('the handler was asked'), { request: tell });
      const client = await connect();
      assert.equal((await client.send(request).answer()).body, body);
      assert.equal((await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').answer()).body, 'GET 0');
    });
  }

  it('takes an upgrade request for a request like others where nobody takes upgrades', async () => {
    const { connect } = await stage.listen(tell);
    const client = await connect();
    for (const request of [upgradeRequest(), `${upgradeRequest({ 'Content-Length': '2' }, 'POST / HTTP/1.1')}{}`]) {
      assert.equal((await client.send(request).answer()).status, 200);
    }
  });

  it('keeps a socket open whose handshake also said Connection: close', async () => {
    const { connect } = await serve(stage);
    for (const connection of ['Upgrade, close', 'close, Upgrade', 'Upgrade\r\nConnection: close']) {
      const client = await connect();
      assert.equal((await client.send(upgradeRequest({ Connection: connection })).answer()).status, 101);
      client.send(frame('hello'));
      await eventually('the echo', () => framesOf(client)[0]?.payload.toString() === 'hello');
    }
  });

  it('takes an upgrade on a connection that was used before', async () => {
    const { connect, witnesses } = await serve(stage);
    const client = await connect();
    assert.equal((await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').answer()).status, 200);
    assert.equal((await client.send(upgradeRequest()).answer()).status, 101);
    client.send(frame('hello'));
    await eventually('the echo', () => framesOf(client)[0]?.payload.toString() === 'hello');
    assert.equal(witnesses.length, 1);
  });

  it('takes no upgrade ahead of an answer that is owed (L8)', async () => {
    let waiting = 0;
    const { connect, witnesses } = await serve(stage, {
      request: () => {
        waiting += 1;
      },
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${upgradeRequest()}`);
    await client.end();
    assert.deepEqual([waiting, witnesses.length, client.text], [1, 0, '']);
  });

  it('answers many that come at once, each once, and forgets who is gone (S1)', async () => {
    const paths: string[] = [];
    const { connect, listener, defects } = await serveUpgrades(stage, (exchange) => {
      paths.push(exchange.head.path);
      if (exchange.head.path === '/no') exchange.refuse(403, [], 'no');
      else exchange.accept(undefined, new Witness(echo));
    });
    const clients = await Promise.all(Array.from({ length: CROWD }, () => connect()));
    clients.forEach((client, place) => {
      client.send(upgradeRequest({}, `GET ${place % 2 === 0 ? '/yes' : '/no'} HTTP/1.1`));
    });
    const [refused, accepted, ...staying] = clients.toReversed();
    refused?.destroy();
    accepted?.destroy();
    const answers = await Promise.all(staying.map((client) => client.answer()));
    assert.deepEqual(
      answers.map(({ status }) => status),
      staying.map((_, place) => (place % 2 === 0 ? 403 : 101)),
    );
    staying[1]?.send(frame('still here'));
    await eventually('the echo', () => framesOf(staying[1]!).length === 1);
    assert.ok(paths.length <= CROWD);
    await eventually('who went is gone', () => listener.connections === 0 && listener.sockets === CROWD / 2 - 1);
    assert.deepEqual(defects, []);
  });

  it('takes frames that are sent when the answer is there, and a handshake in pieces', async () => {
    const { connect } = await serve(stage, { react: echo });
    const client = await connect();
    const request = upgradeRequest();
    const half = request.indexOf('\r\n') + 9;
    await client.send(request.slice(0, half)).flushed();
    client.send(request.slice(half));
    assert.equal((await client.answer()).status, 101);
    client.send(frame('first') + frame('second'));
    await eventually('both echoes', () => framesOf(client).length === 2);
  });
}

function tell(exchange: HttpExchange): void {
  exchange.readBody((outcome) => {
    const bytes = outcome.kind === 'body' ? outcome.bytes.length : outcome.kind;
    exchange.respond(200, [], `${exchange.head.method} ${bytes}`);
  });
}
