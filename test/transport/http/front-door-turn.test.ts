// What the front door does within the turn in which the listener hands a request over, seen on an exchange that is
// played: a listener may take back the body of a request that nobody asked for in that turn.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrontDoor } from '../../../src/transport/http/front-door.js';
import { routeHandlers } from '../../../src/transport/http/kernel-routes.js';
import type { BodyOutcome, HttpExchange, RequestHead } from '../../../src/transport/listener/listener.js';
import { AT, OTHER, ok, until, World } from './http-world.js';

class PlayedExchange implements HttpExchange {
  readonly head: RequestHead;
  aborted = false;
  status: number | undefined;
  wanted: ((outcome: BodyOutcome) => void) | undefined;

  constructor(token: string, headers: RequestHead['headers'] = { 'content-type': 'application/json' }) {
    const authorization = `Bearer ${token}`;
    this.head = { method: 'POST', path: '/v1/messages', query: '', ip: '::1', headers: { ...headers, authorization } };
  }

  readBody(done: (outcome: BodyOutcome) => void): void {
    assert.equal(this.wanted, undefined, 'the body is asked for once');
    this.wanted = done;
  }

  respond(status: number): boolean {
    this.status = status;
    return !this.aborted;
  }

  begin(): undefined {
    return undefined;
  }

  onAbort(): void {}
}

function stage(): { world: World; receive: (exchange: HttpExchange) => void } {
  const world = new World({});
  world.play('agent.deliver', ({ args }) => ok({ messageId: args.messageId, at: AT }));
  return { world, receive: createFrontDoor(world.context, routeHandlers(world.context)) };
}

const body = { kind: 'body', bytes: Buffer.from(JSON.stringify({ to: OTHER, content: 'hi' })) } as const;

test('asks for the body in the turn of the request, also while the token is being verified (D1)', async () => {
  const { world, receive } = stage();
  const exchange = new PlayedExchange(world.tokens.agent);
  receive(exchange);
  assert.ok(exchange.wanted, 'asked for at once');
  exchange.wanted(body);
  assert.equal(exchange.status, undefined);
  await until(() => exchange.status === 202);
});

test('waits for a body that is slower than the hash', async () => {
  const { world, receive } = stage();
  const first = new PlayedExchange(world.tokens.agent);
  receive(first);
  await until(() => world.context.authenticator.authenticate('agent', first.head.headers.authorization) !== undefined);
  await new Promise((resume) => setImmediate(resume));
  assert.equal(first.status, undefined);
  first.wanted?.(body);
  await until(() => first.status === 202);
});

test('reads no body of a token that the index does not know, or of another type than JSON (D1)', async () => {
  const { world, receive } = stage();
  const unknown = new PlayedExchange(`at_live_${'0'.repeat(64)}`);
  receive(unknown);
  assert.deepEqual([unknown.status, unknown.wanted], [401, undefined]);
  const plain = new PlayedExchange(world.tokens.agent, { 'content-type': 'text/plain' });
  receive(plain);
  await until(() => plain.status === 415);
  assert.equal(plain.wanted, undefined);
});

test('begins nothing for a client that has gone (D4)', async () => {
  const { world, receive } = stage();
  for (const key of [undefined, 'once']) {
    const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) };
    const exchange = new PlayedExchange(world.tokens.agent, headers);
    receive(exchange);
    exchange.aborted = true;
    exchange.wanted?.(body);
  }
  await new Promise((resume) => setImmediate(resume));
  assert.equal(world.asked.length, 0);
});

test('answers 500 when a part of it throws, and throws nothing itself (D2)', () => {
  const world = new World({
    rateLimiter: {
      take: () => {
        throw new Error('broken');
      },
    },
    authenticator: {
      authenticate: () => ({ ok: true, principal: { role: 'agent', id: OTHER } }),
      revoke: () => undefined,
    },
  });
  const exchange = new PlayedExchange(world.tokens.agent);
  createFrontDoor(world.context, routeHandlers(world.context))(exchange);
  assert.equal(exchange.status, 500);
});
