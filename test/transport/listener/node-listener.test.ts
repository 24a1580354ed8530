import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openNodeListener, PIPELINE_MAX } from '../../../src/transport/listener/node-listener.js';
import { listenerConformance } from './listener-conformance.js';
import { HOST, Stage, type Subject } from './listener-stage.js';
import { eventually } from './raw-client.js';
import { socketConformance } from './socket-conformance.js';
import { frame, framesOf, serve, upgradeRequest } from './socket-stage.js';

const subject: Subject = {
  name: 'node',
  open: async (options, handler) => openNodeListener(options, handler),
};

listenerConformance(subject);
socketConformance(subject);

describe('the node listener, by its own rules', () => {
  const stage = new Stage(subject);

  it('ends a connection whose head never finishes (L7)', async () => {
    const { connect } = await stage.listen(() => assert.fail('no request was made'), { headTimeoutMs: 60 });
    const client = await connect();
    client.send('GET / HTTP/1.1\r\nHost:');
    await client.end();
    assert.equal(client.text, '');
  });

  it('ends a connection that never says anything (L7)', async () => {
    const { connect } = await stage.listen(() => assert.fail('no request was made'), { headTimeoutMs: 60 });
    await (await connect()).end();
  });

  it('ends a connection that stays idle after an answer', async () => {
    const { connect } = await stage.listen((exchange) => exchange.respond(200, [], 'ok'), { idleTimeoutMs: 60 });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).body, 'ok');
    await client.end();
  });

  it('takes frames that are sent right behind the upgrade request', async () => {
    const { connect } = await serve(stage);
    const client = await connect();
    client.send(upgradeRequest() + frame('first') + frame('second'));
    assert.equal((await client.answer()).status, 101);
    await eventually('both echoes', () => framesOf(client).length === 2);
    const heard = framesOf(client).map(({ payload }) => payload.toString());
    assert.deepEqual(heard, ['first', 'second']);
  });

  it('takes no request behind an answer that ends the connection (A3)', async () => {
    const seen: string[] = [];
    const { connect } = await stage.listen((exchange) => {
      seen.push(exchange.head.path);
      if (exchange.head.path === '/waits') exchange.readBody(() => undefined);
      else exchange.respond(401, [], 'no');
    });
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n';
    const counted = 'Content-Length: 2\r\n\r\n{}';
    const client = await connect();
    client.send(
      `POST /first HTTP/1.1\r\n${HOST}${counted}POST /ends HTTP/1.1\r\n${HOST}${chunked}` +
        `POST /waits HTTP/1.1\r\n${HOST}${counted}HEAD /behind HTTP/1.1\r\n${HOST}${chunked}hello\r\n\r\n`,
    );
    assert.equal((await client.answer()).headers.get('connection'), 'keep-alive');
    assert.equal((await client.answer()).headers.get('connection'), 'close');
    await client.end();
    assert.deepEqual([seen, client.text], [['/first', '/ends'], '']);
  });

  it('takes no request behind one that it refused by itself (A3)', async () => {
    const { connect } = await stage.listen(() => assert.fail('a request was taken'));
    const client = await connect();
    client.send(`GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n${HOST}\r\nGET /c HTTP/1.1\r\n${HOST}\r\n`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, answer.headers.get('connection')], [400, 'close']);
    assert.equal((JSON.parse(answer.body) as { error: string }).error, 'bad_request');
    await client.end();
    assert.equal(client.text, '');
  });

  for (const bytes of [`CONNECT x:80 HTTP/1.1\r\n${HOST}\r\n`, 'hello\r\n\r\n']) {
    it(`lets go of a client that was refused by ${bytes.slice(0, 7)} and closes (A4)`, async () => {
      const { connect, listener } = await stage.listen(() => assert.fail('no request was made'));
      const client = await connect();
      assert.equal((await client.send(bytes).answer()).status, 400);
      // Bytes that nobody wants stand before the end of what it sends.
      client.send('more').finish();
      await eventually('the connection is gone', () => listener.connections === 0);
    });

    it(`ends a client that was refused by ${bytes.slice(0, 7)} and stays (A4)`, async () => {
      const { connect, listener } = await stage.listen(() => assert.fail('no request was made'), { idleTimeoutMs: 60 });
      const client = await connect();
      client.pause();
      client.send(bytes);
      await eventually('the connection is there', () => listener.connections === 1);
      await eventually('the connection is gone', () => listener.connections === 0);
      client.resume();
      assert.equal((await client.answer()).status, 400);
    });
  }

  it('ends a connection that sends more requests ahead than may wait (A2)', async () => {
    let waiting = 0;
    const { connect } = await stage.listen(() => {
      waiting += 1;
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(PIPELINE_MAX + 1));
    await client.end();
    assert.equal(waiting, PIPELINE_MAX);
  });
});
