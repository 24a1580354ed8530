// Connections: clients that go away, bounds, draining, closing, and addresses that cannot be had.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it } from 'node:test';
import type { BodyOutcome, HttpExchange } from '../../../src/transport/listener/listener.js';
import { echoHead, HOST, type Stage, type Subject, TEXT } from './listener-stage.js';
import { eventually, RawClient } from './raw-client.js';

const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;

export function connectionConformance(_subject: Subject, stage: Stage): void {
  it('tells once that the client went away, and answers nobody afterwards (L3, L4)', async () => {
    let aborts = 0;
    let seen: HttpExchange | undefined;
    const { connect } = await stage.listen((exchange) => {
      seen = exchange;
      exchange.onAbort(() => {
        aborts += 1;
      });
    });
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => seen !== undefined);
    assert.equal(seen?.aborted, false);
    client.destroy();
    await eventually('the abort', () => aborts > 0);
    assert.deepEqual([seen?.aborted, seen?.respond(200, TEXT, 'late'), aborts], [true, false, 1]);
  });

  it('takes a client that closes its sending side while it waits for gone (L4)', async () => {
    let aborts = 0;
    let seen: HttpExchange | undefined;
    const { connect } = await stage.listen((exchange) => {
      seen = exchange;
      exchange.onAbort(() => {
        aborts += 1;
      });
    });
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => seen !== undefined);
    client.finish();
    await client.end();
    await eventually('the abort', () => aborts > 0);
    assert.deepEqual([seen?.respond(200, TEXT, 'late'), aborts, client.text], [false, 1, '']);
  });

  it('tells nobody that a client went away after its answer (L4)', async () => {
    let aborts = 0;
    const { connect, listener } = await stage.listen((exchange) => {
      exchange.onAbort(() => {
        aborts += 1;
      });
      exchange.respond(200, TEXT, 'ok');
    });
    const client = await connect();
    client.send(GET);
    await client.answer();
    client.destroy();
    await eventually('the connection is gone', () => listener.connections === 0);
    assert.equal(aborts, 0);
  });

  it('tells a body whose client went away in the middle (L4)', async () => {
    const outcomes: BodyOutcome[] = [];
    let seen = 0;
    const { connect } = await stage.listen((exchange) => {
      seen += 1;
      exchange.readBody((outcome) => {
        outcomes.push(outcome);
      });
    });
    const client = await connect();
    client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`);
    await eventually('the request', () => seen === 1);
    client.destroy();
    await eventually('the outcome', () => outcomes.length > 0);
    assert.deepEqual(outcomes, [{ kind: 'aborted' }]);
  });

  it('survives abort callbacks that throw, and runs the others (L4, L5)', async () => {
    let runs = 0;
    let seen = 0;
    const { connect, defects } = await stage.listen((exchange) => {
      seen += 1;
      exchange.onAbort(() => {
        throw new Error('thrown on purpose');
      });
      exchange.onAbort(() => {
        runs += 1;
      });
    });
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => seen === 1);
    client.destroy();
    await eventually('the second callback', () => runs === 1);
    assert.equal(defects.length, 1);
  });

  it('does what the client asks with Connection: close', async () => {
    const { connect } = await stage.listen(echoHead);
    for (const value of ['close', 'Close', 'close, TE']) {
      const client = await connect();
      client.send(`GET / HTTP/1.1\r\n${HOST}Connection: ${value}\r\n\r\n`);
      assert.equal((await client.answer()).status, 200);
      await client.end();
    }
  });

  it('ends connections past the bound at once, and takes new ones when there is room', async () => {
    const { connect, listener } = await stage.listen(echoHead, { connectionsMax: 2 });
    const [first, second] = [await connect(), await connect()];
    for (const client of [first, second]) assert.equal((await client.send(GET).answer()).status, 200);
    const third = await connect();
    await third.end();
    assert.equal(third.text, '');
    assert.equal((await second.send(GET).answer()).status, 200);
    first.destroy();
    await eventually('room', () => listener.connections === 1);
    assert.equal((await (await connect()).send(GET).answer()).status, 200);
    assert.equal(listener.connections, 2);
  });

  it('drains: answers what is open and closes behind it, ends idle connections, takes no new ones', async () => {
    let open: HttpExchange | undefined;
    const { connect, listener, port } = await stage.listen((exchange) => {
      if (exchange.head.path === '/open') open = exchange;
      else echoHead(exchange);
    });
    const [busy, idle, mute] = [await connect(), await connect(), await connect()];
    await idle.send(GET).answer();
    busy.send(`GET /open HTTP/1.1\r\n${HOST}\r\n`);
    await eventually('the open request', () => open !== undefined);
    listener.drain();
    const late = await RawClient.connect(port);
    await late.end();
    assert.equal(busy.ended, false);
    assert.equal(open?.respond(200, TEXT, 'last'), true);
    const answer = await busy.answer();
    assert.deepEqual([answer.body, answer.headers.get('connection')], ['last', 'close']);
    for (const client of [busy, idle, mute]) await client.end();
    await eventually('no connection is left', () => listener.connections === 0);
  });

  it('close ends every connection now and tells the handlers (L4)', async () => {
    let aborts = 0;
    let seen = 0;
    const { connect, listener } = await stage.listen((exchange) => {
      seen += 1;
      exchange.onAbort(() => {
        aborts += 1;
      });
    });
    const [busy, mute] = [await connect(), await connect()];
    busy.send(GET);
    await eventually('the request', () => seen === 1);
    listener.close();
    listener.close();
    for (const client of [busy, mute]) await client.end();
    await eventually('the abort', () => aborts === 1);
    await eventually('no connection is left', () => listener.connections === 0);
  });

  it('says that a port is taken, also by another listener of its own kind', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = holder.address();
    assert.ok(address !== null && typeof address === 'object');
    const { port } = address;
    const listener = await stage.make({ port }, echoHead);
    await assert.rejects(listener.listen(), /127\.0\.0\.1 port \d+: another program has the port \(EADDRINUSE\)/);
    await new Promise((resolve) => holder.close(resolve));
    // Only a port that was asked for by number can be shared by accident.
    await stage.listen(echoHead, { port });
    await assert.rejects((await stage.make({ port }, echoHead)).listen(), /EADDRINUSE/);
  });

  it('says that an address is not of this machine', async () => {
    const listener = await stage.make({ host: '203.0.113.7' }, echoHead);
    await assert.rejects(listener.listen(), /203\.0\.113\.7 port 0: this machine does not have the address/);
  });
}
