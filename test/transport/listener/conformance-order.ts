// Answers: once, in order, with or without a body, and what becomes of a handler that throws.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { HttpExchange } from '../../../src/transport/listener/listener.js';
import { echoHead, HOST, measureBody, type Stage, type Subject, TEXT } from './listener-stage.js';
import { eventually } from './raw-client.js';

const REQUESTS = 1000;
/** Exchanges that may be alive after a collection: the last ones, which the adapter or the engine may still hold. */
const ALIVE_MAX = 20;

export function orderConformance(subject: Subject, stage: Stage): void {
  it('sends status, headers, date and length, and no name of a server', async () => {
    const { connect } = await stage.listen((exchange) => {
      exchange.respond(
        201,
        [
          ['content-type', 'text/plain'],
          ['x-a', '1'],
        ],
        'grüße',
      );
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    const { status, headers, body } = await client.answer();
    assert.deepEqual([status, body, headers.get('content-length'), headers.get('x-a')], [201, 'grüße', '7', '1']);
    assert.ok(Math.abs(Date.parse(headers.get('date') as string) - Date.now()) < 10_000);
    for (const name of ['connection', 'keep-alive', 'date', 'content-length', 'content-type', 'x-a']) {
      (headers as Map<string, string>).delete(name);
    }
    assert.deepEqual([...headers], []);
  });

  it('sends bytes as they are', async () => {
    const { connect } = await stage.listen((exchange) => {
      exchange.respond(200, TEXT, new Uint8Array([0x61, 0x62, 0x63, 0x64]).subarray(1, 3));
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).body, 'bc');
  });

  it('answers HEAD with the headers of the answer and no body (L6)', async () => {
    const { connect } = await stage.listen(echoHead);
    const client = await connect();
    client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`);
    const whole = await client.answer();
    client.send(`HEAD /a HTTP/1.1\r\n${HOST}\r\n`);
    const head = await client.answer(true);
    assert.equal(
      Number(head.headers.get('content-length')),
      Buffer.byteLength(whole.body) + 'HEAD'.length - 'GET'.length,
    );
    assert.equal(head.headers.get('content-type'), 'text/plain');
    client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).body, whole.body);
  });

  it('sends no length with 204 and 304', async () => {
    const { connect } = await stage.listen((exchange) => exchange.respond(Number(exchange.head.query), [], ''));
    const client = await connect();
    for (const status of [204, 304]) {
      client.send(`GET /?${status} HTTP/1.1\r\n${HOST}\r\n`);
      const answer = await client.answer();
      assert.deepEqual([answer.status, answer.headers.has('content-length')], [status, false]);
    }
  });

  it('answers at most once, and says so (L3)', async () => {
    const said: boolean[] = [];
    const { connect } = await stage.listen((exchange) => {
      said.push(exchange.respond(200, TEXT, 'one'), exchange.respond(200, TEXT, 'two'));
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).body, 'one');
    assert.deepEqual(said, [true, false]);
    assert.equal(client.text, '');
  });

  it('sends an answer of several megabytes whole to a client that reads late', async () => {
    const big = 'x'.repeat(8_000_000);
    const { connect } = await stage.listen((exchange) => setImmediate(() => exchange.respond(200, TEXT, big)));
    const client = await connect();
    client.pause();
    await client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`).flushed();
    client.resume();
    assert.equal((await client.answer()).body.length, big.length);
  });

  it('answers pipelined requests in order when each is answered at once (L8)', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    const count = 10;
    let sent = '';
    for (let i = 0; i < count; i += 1)
      sent += `POST /${i} HTTP/1.1\r\n${HOST}Content-Length: ${i}\r\n\r\n${'x'.repeat(i)}`;
    client.send(sent);
    for (let i = 0; i < count; i += 1) assert.equal((await client.answer()).body, `/${i} ${i}`);
  });

  if (subject.name === 'node') {
    it('answers pipelined requests in order when the handler answers them in another (L8)', async () => {
      const waiting: HttpExchange[] = [];
      const { connect } = await stage.listen((exchange) => {
        waiting.push(exchange);
      });
      const client = await connect();
      client.send(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join(''));
      await eventually('three requests', () => waiting.length === 3);
      for (const exchange of waiting.reverse()) exchange.respond(200, TEXT, exchange.head.path);
      for (const path of ['/a', '/b', '/c']) assert.equal((await client.answer()).body, path);
    });
  } else {
    it('ends a connection that asks again before it was answered, and tells the handler (L8)', async () => {
      const seen: HttpExchange[] = [];
      let aborts = 0;
      const { connect } = await stage.listen((exchange) => {
        seen.push(exchange);
        exchange.onAbort(() => {
          aborts += 1;
        });
      });
      const client = await connect();
      client.send(`GET /a HTTP/1.1\r\n${HOST}\r\nGET /b HTTP/1.1\r\n${HOST}\r\n`);
      await client.end();
      assert.deepEqual([seen.length, aborts, seen[0]?.respond(200, TEXT, ''), client.text], [1, 1, false, '']);
    });
  }

  it('answers 500 for a handler that throws, and goes on (L5)', async () => {
    const failure = new Error('thrown on purpose');
    const { connect, defects } = await stage.listen((exchange) => {
      if (exchange.head.path === '/throw') throw failure;
      if (exchange.head.path === '/body') exchange.readBody(() => thrower(failure));
      else echoHead(exchange);
    });
    const client = await connect();
    client.send(`GET /throw HTTP/1.1\r\n${HOST}\r\n`);
    const answer = await client.answer();
    assert.equal(answer.status, 500);
    assert.equal(JSON.parse(answer.body).error, 'internal_error');
    client.send(`POST /body HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`);
    assert.equal((await client.answer()).status, 500);
    client.send(`GET /fine HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).status, 200);
    assert.deepEqual(defects, [failure, failure]);
  });

  it('keeps the answer of a handler that throws after it (L5)', async () => {
    const { connect, defects } = await stage.listen((exchange) => {
      echoHead(exchange);
      throw new Error('thrown on purpose');
    });
    const client = await connect();
    client.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).status, 200);
    assert.equal(defects.length, 1);
  });

  it('lets go of every exchange of a connection that is used 1,000 times', async () => {
    const exchanges: WeakRef<HttpExchange>[] = [];
    const warnings: Error[] = [];
    const note = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', note);
    const { connect, defects } = await stage.listen((exchange) => {
      exchanges.push(new WeakRef(exchange));
      exchange.onAbort(() => assert.fail('nothing was aborted'));
      exchange.readBody(() => setImmediate(() => exchange.respond(200, TEXT, 'ok')));
    });
    const client = await connect();
    for (let i = 0; i < REQUESTS; i += 1) {
      client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`);
      await client.answer();
    }
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await eventually('the exchanges are let go', () => {
      collect();
      return exchanges.filter((exchange) => exchange.deref() !== undefined).length <= ALIVE_MAX;
    });
    process.off('warning', note);
    assert.deepEqual([exchanges.length, defects, warnings], [REQUESTS, [], []]);
  });
}

function thrower(failure: Error): never {
  throw failure;
}
