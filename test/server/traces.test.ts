// Traces on the real server: a message is followed from its request to its push, by what a collector receives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrometheusPage } from '../transport/metrics/prometheus-page.js';
import { until } from './expectations.js';
import { LISTENERS, type ListenerName } from './on-both-listeners.js';
import { ServerProcess } from './server-process.js';
import { SessionClient } from './session-client.js';
import { type Manners, type ReceivedSpan, TraceReceiver } from './trace-receiver.js';
import { TroupeApi } from './troupe-api.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

interface Stage {
  readonly server: ServerProcess;
  readonly api: TroupeApi;
  readonly receiver: TraceReceiver;
}

async function onTracedServer(
  listener: ListenerName,
  manners: Manners,
  environment: Readonly<Record<string, string>>,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const receiver = await TraceReceiver.start(manners);
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...environment };
  const server = await ServerProcess.start({ workers: 2, 'http.listener': listener }, [], variables);
  const api = new TroupeApi(() => server.port);
  try {
    await run({ server, api, receiver });
  } finally {
    api.close();
    await server.dispose();
    receiver.close();
  }
}

function childrenOf(spans: readonly ReceivedSpan[], parent: ReceivedSpan): ReceivedSpan[] {
  return spans.filter(({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId);
}

function only<T>(all: readonly T[]): T {
  assert.equal(all.length, 1);
  return all[0]!;
}

const begins = (span: ReceivedSpan): bigint => BigInt(span.startTimeUnixNano);
const ends = (span: ReceivedSpan): bigint => BigInt(span.endTimeUnixNano);

for (const listener of LISTENERS) {
  test(`a message is followed from its request through turn and commit to its push (${listener})`, async () => {
    await onTracedServer(listener, 'well', { OTEL_SERVICE_NAME: 'a-test' }, async ({ api, server, receiver }) => {
      const operator = await api.operator();
      const [from, to] = [await api.agent(operator), await api.agent(operator)];
      const session = await SessionClient.live(server.port, to);
      await api.must(202, {
        method: 'POST',
        path: '/v1/messages',
        as: from.agent_token,
        headers: { traceparent: `00-${TRACE}-${SPAN}-01` },
        body: { to: to.agent_address, content: 'a-private-content' },
      });
      const ours = (): ReceivedSpan[] => receiver.spans.filter(({ traceId }) => traceId === TRACE);
      await until('the push is told', () => ours().some(({ name }) => name === 'push'));
      await until('the commit is told', () => ours().some(({ name }) => name === 'commit agent.deliver'));
      await until('the request is told', () => ours().some(({ name }) => name === 'sendMessage'));
      const spans = ours();
      const request = only(spans.filter(({ name }) => name === 'sendMessage'));
      assert.equal(request.parentSpanId, SPAN);
      const turn = only(childrenOf(spans, request));
      assert.equal(turn.name, 'agent.deliver');
      assert.deepEqual(
        childrenOf(spans, turn)
          .map(({ name }) => name)
          .sort(),
        ['commit agent.deliver', 'push'],
      );
      const commit = only(spans.filter(({ name }) => name === 'commit agent.deliver'));
      // Threads take the time for themselves: a millisecond between them is none.
      const slack = 2_000_000n;
      assert.ok(begins(turn) >= begins(request) - slack && ends(commit) <= ends(request) + slack);
      assert.ok(begins(commit) >= begins(turn) && ends(commit) > begins(commit));
      for (const { status } of spans) assert.equal(status.code, 0);
      assert.deepEqual([...receiver.services], ['a-test']);
      // What was not asked to be followed by anybody is, too, and what is said in a session.
      const send = { type: 'send', id: 1, to: from.agent_address, content: 'back' };
      assert.equal((await session.ask(send)).type, 'ok');
      await until('the frame is told', () => receiver.spans.some(({ name }) => name === 'session.send'));
      const frame = only(receiver.spans.filter(({ name }) => name === 'session.send'));
      assert.equal(frame.parentSpanId, undefined);
      await until('its turn is told', () => childrenOf(receiver.spans, frame).length === 1);
      for (const secret of [operator.api_key, from.agent_token, to.agent_address, 'a-private-content']) {
        assert.ok(!receiver.text.includes(secret), 'nothing that a client sent, and no address, is in a span');
      }
      await session.close();
      const page = new PrometheusPage((await api.send({ path: '/metrics' })).text);
      assert.equal(page.value('troupe_spans_total', { outcome: 'dropped' }), 0);
      assert.ok(page.value('troupe_spans_total', { outcome: 'exported' }) > 0);
    });
  });
}

test('a client decides with a sound traceparent, and an unsound one is as if there were none', async () => {
  await onTracedServer('node', 'well', { OTEL_TRACES_SAMPLER_ARG: '0' }, async ({ api, receiver }) => {
    const from = await api.agent();
    const asked = async (traceparent: string): Promise<void> => {
      const body = { to: from.agent_address, content: 'x' };
      const headers = { traceparent };
      await api.must(202, { method: 'POST', path: '/v1/messages', as: from.agent_token, headers, body });
    };
    const odd = [
      `00-${TRACE}-${SPAN}-00`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      'x',
      `${'0'.repeat(9000)}`,
    ];
    for (const traceparent of odd) await asked(traceparent);
    await asked(`01-${TRACE}-${SPAN}-01-what-a-later-version-says`);
    await until('the last is told', () => receiver.spans.some(({ name }) => name === 'sendMessage'));
    const requests = receiver.spans.filter(({ name }) => name === 'sendMessage');
    assert.deepEqual(
      requests.map(({ traceId, parentSpanId }) => [traceId, parentSpanId]),
      [[TRACE, SPAN]],
    );
  });
});

for (const manners of ['mute', 'refuse', 'cut'] as const) {
  test(`nobody waits for a collector that is ${manners}, and what it does not take is counted`, async () => {
    await onTracedServer('node', manners, { OTEL_EXPORTER_OTLP_TIMEOUT: '500' }, async ({ api, server, receiver }) => {
      const agent = await api.agent();
      for (let round = 0; round < 30; round++) {
        const writes = Array.from({ length: 100 }, (_, key) => api.put(agent, `key-${key}`, `${round}`));
        for (const { status } of await Promise.all(writes)) assert.equal(status, 200);
      }
      const lost = async (): Promise<number> => {
        const page = new PrometheusPage((await api.send({ path: '/metrics' })).text);
        return (
          page.value('troupe_spans_total', { outcome: 'failed' }) +
          page.value('troupe_spans_total', { outcome: 'dropped' })
        );
      };
      await until('it is counted', async () => (await lost()) > 0);
      assert.ok(receiver.requests > 0);
      assert.equal(receiver.spans.length, 0);
      const begun = performance.now();
      assert.deepEqual(await server.stop(), { code: 0, signal: null });
      assert.ok(performance.now() - begun < 10_000, 'a server stops without its collector');
    });
  });
}

test('a server whose variables say nothing sensible does not start', async () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'not a url'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ] as const) {
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', [name]: value };
    await assert.rejects(ServerProcess.start({}, [], variables), new RegExp(name));
  }
});

test('a server without an endpoint loads nothing for traces, and has no metric of them', async () => {
  const server = await ServerProcess.start({}, [], { NODE_DEBUG: 'esm,module' });
  const api = new TroupeApi(() => server.port);
  try {
    const agent = await api.agent();
    await api.message(agent, agent, 'x');
    assert.ok(server.stderr.length > 0, 'Node tells what it loads');
    assert.doesNotMatch(server.stderr, /node_modules\/@opentelemetry\//);
    assert.doesNotMatch((await api.send({ path: '/metrics' })).text, /troupe_spans_total/);
  } finally {
    api.close();
    await server.dispose();
  }
});
