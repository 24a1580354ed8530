// What the sender does with a real receiver: where it connects to, what it believes, and when it leaves.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ANSWER_BYTES_MAX, type SenderRules, WebhookSender } from '../../../src/transport/webhook/sender.js';
import { newWebhookSecret } from '../../../src/transport/webhook/signature.js';
import { until } from '../../server/expectations.js';
import { type Behaviour, verified, WebhookReceiver } from '../../server/webhook-receiver.js';

const secret = newWebhookSecret();

function push(url: string) {
  return { url, secret, messageId: 'm1', payload: { content: 'hello' } };
}

function senderWith(over: Partial<SenderRules> = {}): WebhookSender {
  return new WebhookSender({
    allowPrivate: true,
    resolve: async () => ['127.0.0.1'],
    connectTimeoutMs: 500,
    timeoutMs: 1_000,
    connectionsMax: 4,
    userAgent: 'test',
    ...over,
  });
}

async function withReceiver(
  behaviour: Behaviour,
  run: (receiver: WebhookReceiver, sender: WebhookSender) => Promise<void>,
  over: Partial<SenderRules> = {},
): Promise<void> {
  const receiver = await WebhookReceiver.start(behaviour);
  const sender = senderWith(over);
  try {
    await run(receiver, sender);
  } finally {
    await sender.close();
    await receiver.close();
  }
}

test('connects to the address that was checked, and never asks for the name again (SE1)', async () => {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<readonly string[]> => {
    asked.push(name);
    // Who looks it up once more gets another answer: that is what a rebinding is.
    return asked.length % 2 === 1 ? ['127.0.0.1'] : ['169.254.169.254'];
  };
  await withReceiver(
    () => 200,
    async (receiver, sender) => {
      const url = receiver.url('/hook', 'rebinding.test');
      const first = await sender.send(push(url));
      assert.deepEqual([first.kind, asked], ['answered', ['rebinding.test']]);
      assert.equal(receiver.received[0]!.headers.host, `rebinding.test:${receiver.port}`);
      verified(receiver.received[0]!, secret);
      assert.equal(
        (await sender.send(push(url))).kind,
        'unanswered',
        'a kept connection is of an address, not of a name',
      );
      assert.equal(receiver.received.length, 1);
    },
    { resolve },
  );
});

test('refuses a name that leads to a private address, also after it led to a public one', () =>
  withReceiver(
    () => 200,
    async (receiver, sender) => {
      assert.equal((await sender.send(push(receiver.url('/', 'inside.test')))).kind, 'unanswered');
      assert.equal(receiver.received.length, 0);
    },
    { allowPrivate: false },
  ));

test('follows no redirect (SE2)', () =>
  withReceiver(
    ({ path }) => (path === '/hook' ? (response) => response.writeHead(307, { location: '/inside' }).end() : 200),
    async (receiver, sender) => {
      const result = await sender.send(push(receiver.url()));
      assert.ok(result.kind === 'answered' && result.status === 307);
      assert.deepEqual(
        receiver.received.map(({ path }) => path),
        ['/hook'],
      );
    },
  ));

test('leaves one that does not answer in time', () =>
  withReceiver(
    () => undefined,
    async (receiver, sender) => {
      const result = await sender.send(push(receiver.url()));
      assert.ok(result.kind === 'unanswered' && result.ms >= 100, JSON.stringify(result));
      await until('the connection is closed', () => receiver.underWay === 0);
    },
    { timeoutMs: 150 },
  ));

test('leaves a name server that does not answer in time', async () => {
  const sender = senderWith({ timeoutMs: 100, resolve: () => new Promise(() => undefined) });
  assert.equal((await sender.send(push('http://silent.test/'))).kind, 'unanswered');
  await sender.close();
});

test('an answer without an end is cut off, and is an answer (SE3)', () => {
  let written = 0;
  const chunk = Buffer.alloc(ANSWER_BYTES_MAX);
  return withReceiver(
    () => (response) => {
      const more = (): void => {
        if (response.destroyed) return;
        written += chunk.length;
        response.write(chunk, more);
      };
      response.writeHead(200);
      more();
    },
    async (receiver, sender) => {
      const result = await sender.send(push(receiver.url()));
      assert.ok(result.kind === 'answered' && result.status === 200);
      await until('the connection is closed', () => receiver.underWay === 0);
      assert.ok(written < 64 * 1024 * 1024);
    },
  );
});

test('an answer that is no HTTP is none', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.6\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const sender = senderWith();
  assert.equal((await sender.send(push(`http://garbage.test:${port}/`))).kind, 'unanswered');
  await sender.close();
  server.close();
});

test('a connection is used again', () => {
  const ports = new Set<number | undefined>();
  return withReceiver(
    () => (response) => {
      ports.add(response.socket?.remotePort);
      response.writeHead(200).end('thanks');
    },
    async (receiver, sender) => {
      for (let i = 0; i < 20; i++) assert.equal((await sender.send(push(receiver.url()))).kind, 'answered');
      // One more where the end of an answer and the next push cross.
      assert.ok(ports.size <= 2, `${ports.size} connections`);
    },
  );
});
