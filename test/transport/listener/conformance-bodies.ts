// Bodies: collected whole, bounded, timed, and harmless when nobody reads them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BodyOutcome, HttpExchange } from '../../../src/transport/listener/listener.js';
import { BODY_BYTES_MAX, HOST, measureBody, type Stage, type Subject, TEXT } from './listener-stage.js';
import { eventually, type RawClient } from './raw-client.js';

const ATTEMPTS_MAX = 200;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

function chunked(sizes: readonly number[]): string {
  return `${sizes.map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`).join('')}0\r\n\r\n`;
}

/** A request after the one under test, on the same connection: it is answered only if framing is intact. */
async function stillUsable(client: RawClient): Promise<void> {
  client.send(`POST /next HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nnext`);
  assert.equal((await client.answer()).body, '/next 4');
}

/** Tries again until it holds; the clients' own deadlines end it. */
async function untilAsync(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) if (await condition()) return;
  assert.fail(`not within ${ATTEMPTS_MAX} attempts: ${what}`);
}

export function bodyConformance(_subject: Subject, stage: Stage): void {
  it('hands over the exact bytes, also when the pieces come one by one (L2)', async () => {
    const bodies: string[] = [];
    const { connect } = await stage.listen((exchange) => {
      exchange.readBody((outcome) => {
        assert.equal(outcome.kind, 'body');
        if (outcome.kind === 'body') bodies.push(Buffer.from(outcome.bytes).toString('latin1'));
        exchange.respond(200, TEXT, '');
      });
    });
    const client = await connect();
    client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 6\r\n\r\nab\x00\xffyz`);
    await client.answer();
    for (const piece of [`POST / HTTP/1.1\r\n${HOST}Content-Le`, 'ngth: 6\r\n\r\n', 'ab\x00', '\xff', 'yz']) {
      await client.send(piece).flushed();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.answer();
    assert.deepEqual(bodies, ['ab\x00\xffyz', 'ab\x00\xffyz']);
  });

  it('keeps a body valid after the next one has come (L2)', async () => {
    const bodies: Uint8Array[] = [];
    const { connect } = await stage.listen((exchange) => {
      exchange.readBody((outcome) => {
        if (outcome.kind === 'body') bodies.push(outcome.bytes);
        exchange.respond(200, TEXT, '');
      });
    });
    const client = await connect();
    for (const fill of ['a', 'b', 'c']) {
      client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 50\r\n\r\n${fill.repeat(50)}`);
      await client.answer();
    }
    assert.deepEqual(
      bodies.map((bytes) => Buffer.from(bytes).toString()),
      ['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(50)],
    );
  });

  it('gives an empty body when there is none', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    client.send(`GET /none HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.answer()).body, '/none 0');
    client.send(`POST /zero HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`);
    assert.equal((await client.answer()).body, '/zero 0');
    await stillUsable(client);
  });

  it('takes a chunked body', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    client.send(`POST /chunks HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${chunked([5, 1, 4000])}`);
    assert.equal((await client.answer()).body, '/chunks 4006');
    await stillUsable(client);
  });

  it('takes a body of exactly the bound, counted or chunked (L2)', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    client.send(`POST /a HTTP/1.1\r\n${HOST}Content-Length: ${BODY_BYTES_MAX}\r\n\r\n${'x'.repeat(BODY_BYTES_MAX)}`);
    assert.equal((await client.answer()).body, `/a ${BODY_BYTES_MAX}`);
    client.send(`POST /b HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${chunked([BODY_BYTES_MAX - 1, 1])}`);
    assert.equal((await client.answer()).body, `/b ${BODY_BYTES_MAX}`);
    await stillUsable(client);
  });

  it('refuses a body that announces one byte too many, before any of it was sent (L2)', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, answer.body, answer.headers.get('connection')], [413, 'too_large', 'close']);
  });

  it('refuses a chunked body at the first byte past the bound (L2)', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    const endless = chunked([BODY_BYTES_MAX, 1]).slice(0, -'0\r\n\r\n'.length);
    client.send(`POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${endless}`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, answer.body, answer.headers.get('connection')], [413, 'too_large', 'close']);
  });

  it('refuses a large body while all together take too much, and small ones never (L2)', async () => {
    let held: HttpExchange | undefined;
    const hold = (exchange: HttpExchange): void => {
      if (exchange.head.path !== '/hold') measureBody(exchange);
      else
        exchange.readBody((outcome) => {
          if (outcome.kind === 'body') held = exchange;
        });
    };
    const { connect } = await stage.listen(hold, { bodiesBytesMax: BODY_BYTES_MAX });
    const post = (path: string, bytes: number) =>
      `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;
    const refusal = async () => {
      const answer = await (await connect()).send(post('/large', BODY_BYTES_MAX)).answer();
      return [answer.status, answer.body, answer.headers.get('connection')];
    };
    const taken = async () => (await (await connect()).send(post('/large', BODY_BYTES_MAX)).answer()).body;
    // A body that was handed over counts until its request is answered.
    const holder = await connect();
    holder.send(post('/hold', BODY_BYTES_MAX));
    await eventually('the body that is held', () => held !== undefined);
    assert.deepEqual(await refusal(), [413, 'overloaded', 'close']);
    assert.equal((await (await connect()).send(post('/small', 10_000)).answer()).body, '/small 10000');
    held?.respond(200, TEXT, 'done');
    await holder.answer();
    assert.equal(await taken(), `/large ${BODY_BYTES_MAX}`);
    // So does one that has not arrived, until its client is gone.
    held = undefined;
    holder.send(post('/hold', BODY_BYTES_MAX).slice(0, -1));
    await untilAsync('the half body is charged', async () => (await refusal())[1] === 'overloaded');
    holder.destroy();
    await untilAsync('its charge is given back', async () => (await taken()) === `/large ${BODY_BYTES_MAX}`);
  });

  for (const coding of ['counted', 'chunked'] as const) {
    it(`does not cut off a client that is still sending a ${coding} body when it is refused (L2)`, async () => {
      const { connect } = await stage.listen(measureBody);
      const client = await connect();
      const bytes = 10 * BODY_BYTES_MAX;
      const half = 'x'.repeat(bytes);
      if (coding === 'counted') client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${2 * bytes}\r\n\r\n${half}`);
      else client.send(`POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${bytes.toString(16)}\r\n${half}\r\n`);
      assert.equal((await client.answer()).status, 413);
      // A connection closed under the client would break here, and most clients would then not read the answer.
      await client.send(coding === 'counted' ? half : chunked([bytes])).flushed();
      client.finish();
      await client.end();
      assert.equal(client.reset, false);
    });
  }

  it('goes on with the connection after a small body that nobody read', async () => {
    const { connect } = await stage.listen((exchange) => {
      if (exchange.head.path === '/next') measureBody(exchange);
      else exchange.respond(401, TEXT, 'no');
    });
    const client = await connect();
    client.send(`POST /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\n`);
    assert.equal((await client.answer()).body, 'no');
    client.send('GET /');
    await stillUsable(client);
    client.send(`GET /b HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nGET /`);
    assert.equal((await client.answer()).status, 401);
    await stillUsable(client);
  });

  it('announces the end of a connection whose large body nobody read', async () => {
    const { connect } = await stage.listen((exchange) => exchange.respond(401, TEXT, 'no'));
    const client = await connect();
    client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 50000000\r\n\r\nabc`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, answer.headers.get('connection')], [401, 'close']);
  });

  it('answers 100 Continue to a client that waits for it', async () => {
    const { connect } = await stage.listen(measureBody);
    const client = await connect();
    client.send(`POST /e HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
    assert.equal((await client.answer()).status, 100);
    client.send('abc');
    assert.equal((await client.answer()).body, '/e 3');
    client.send(`POST /f HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: wonders\r\n\r\nabc`);
    assert.equal((await client.answer()).body, '/f 3');
  });

  for (const framing of ['Content-Length: 10\r\n\r\nabc', `${CHUNKED}\r\n3\r\nabc\r\n`]) {
    it(`ends a body that does not arrive in time, ${framing.slice(0, 14)} (L7)`, async () => {
      const outcomes: BodyOutcome[] = [];
      let aborts = 0;
      const handler = (exchange: HttpExchange): void => {
        exchange.onAbort(() => {
          aborts += 1;
        });
        exchange.readBody((outcome) => {
          outcomes.push(outcome);
        });
      };
      const { connect } = await stage.listen(handler, { bodyTimeoutMs: 50 });
      const client = await connect();
      client.send(`POST / HTTP/1.1\r\n${HOST}${framing}`);
      await client.end();
      await eventually('the abort is told', () => aborts === 1);
      assert.deepEqual(outcomes, [{ kind: 'aborted' }]);
      assert.equal(client.text, '');
    });
  }

  it('does not time a body that has arrived (L7)', async () => {
    const arrived: HttpExchange[] = [];
    let seen = 0;
    const handler = (exchange: HttpExchange): void => {
      seen += 1;
      exchange.readBody((outcome) => {
        if (outcome.kind === 'body') arrived.push(exchange);
      });
    };
    const { connect } = await stage.listen(handler, { bodyTimeoutMs: 300 });
    const [whole, slow] = [await connect(), await connect()];
    whole.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nab`);
    await eventually('the first bytes', () => seen === 1);
    whole.send('c');
    await eventually('the whole body', () => arrived.length === 1);
    // A body that began later and does run out of time shows that the time of the first one is over too.
    slow.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nab`);
    await slow.end();
    assert.equal(arrived[0]?.respond(200, TEXT, 'late'), true);
    assert.equal((await whole.answer()).body, 'late');
  });

  it('tells a body that its framing broke, and ends the connection (L2)', async () => {
    const outcomes: BodyOutcome[] = [];
    const { connect } = await stage.listen((exchange) => {
      exchange.readBody((outcome) => {
        outcomes.push(outcome);
      });
    });
    const client = await connect();
    client.send(`POST / HTTP/1.1\r\n${HOST}${CHUNKED}\r\nzz\r\nabc\r\n`);
    await client.end();
    await eventually('the outcome', () => outcomes.length === 1);
    assert.deepEqual(outcomes, [{ kind: 'aborted' }]);
  });
}
