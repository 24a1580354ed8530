import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { FairGate } from '../../../src/actors/subject/fair-gate.js';
import { openAiEmbedder, TEXTS_PER_CALL_MAX } from '../../../src/actors/subject/openai-embedder.js';
import {
  ANSWER_BYTES_MAX,
  Provider,
  ProviderError,
  type ProviderOptions,
  RETRIES_MAX,
} from '../../../src/actors/subject/provider.js';
import { type Clock, systemClock } from '../../../src/clock.js';
import type { CodedError } from '../../../src/errors.js';
import { answerJson, type Behaviour, type ProviderDouble, say, startProviderDouble } from './provider-double.js';

const KEY = 'sk-very-secret';
const SAID = [{ role: 'user', content: 'hello' }] as const;

async function setUp(
  context: TestContext,
  behave: Behaviour,
  more: Partial<ProviderOptions> = {},
): Promise<[Provider, ProviderDouble]> {
  const double = await startProviderDouble(behave);
  const provider = new Provider({
    baseUrl: double.baseUrl,
    apiKey: KEY,
    timeoutMs: 30_000,
    inFlightMax: 2,
    backOffMs: 1,
    ...more,
  });
  context.after(async () => {
    await provider.close();
    await double.close();
  });
  return [provider, double];
}

/** A clock whose waits for another try are noted, and over at once. */
function impatient(waits: number[], timeoutMs: number): Clock {
  return {
    ...systemClock,
    after(delayMs, run) {
      if (delayMs === timeoutMs) return systemClock.after(delayMs, run);
      waits.push(delayMs);
      return systemClock.after(0, run);
    },
  };
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail('was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ProviderError, inspect(error));
  for (const secret of [KEY, '127.0.0.1', 'hello', 'leaked'])
    assert.ok(!inspect(error, { depth: 9 }).includes(secret), secret);
  return error.failure;
}

describe('the provider', () => {
  test('asks as the protocol wants it, and hands over what is said', async (context) => {
    const [provider, double] = await setUp(context, (response) => say(response, 'hi'));
    assert.equal(await provider.chat('s', 'm-1', SAID), 'hi');
    const [call] = double.calls;
    assert.deepEqual([call!.path, call!.headers.authorization], ['/v1/chat/completions', `Bearer ${KEY}`]);
    assert.deepEqual(call!.body, { model: 'm-1', messages: SAID, temperature: 0 });
  });

  test('sends no key where there is none', async (context) => {
    const [provider, double] = await setUp(context, (response) => say(response, 'hi'), { apiKey: null });
    await provider.chat('s', 'm', SAID);
    assert.equal(double.calls[0]!.headers.authorization, undefined);
  });

  test('tries again after 429 and 5xx, not before Retry-After, and no more than so often (PR2)', async (context) => {
    const waits: number[] = [];
    const statuses = [429, 503, 200, 500, 500, 500];
    const [provider, double] = await setUp(
      context,
      (response, _, place) => {
        const status = statuses[place]!;
        if (status === 200) say(response, 'at last');
        else answerJson(response, {}, status, place === 0 ? { 'retry-after': '7' } : {});
      },
      { clock: impatient(waits, 30_000), backOffMs: 100 },
    );
    assert.equal(await provider.chat('s', 'm', SAID), 'at last');
    assert.equal(waits[0], 7_000);
    assert.ok(waits[1]! >= 100 && waits[1]! <= 200);
    assert.equal(await failureOf(provider.chat('s', 'm', SAID)), 'status 500');
    assert.equal(double.calls.length, 3 + RETRIES_MAX + 1);
  });

  test('reads Retry-After as a date, and does not wait for what is too far', async (context) => {
    const waits: number[] = [];
    const clock = { ...impatient(waits, 30_000), now: () => Date.UTC(2023, 4, 8) };
    const when = ['Mon, 08 May 2023 00:00:09 GMT', 'Mon, 08 May 2023 09:00:00 GMT'];
    const [provider, double] = await setUp(
      context,
      (response, _, place) => answerJson(response, {}, 429, { 'retry-after': when[place]! }),
      { clock },
    );
    assert.equal(await failureOf(provider.chat('s', 'm', SAID)), 'status 429');
    assert.deepEqual([waits, double.calls.length], [[9_000], 2]);
  });

  test('does not ask again what was refused', async (context) => {
    for (const status of [301, 400, 401, 404, 204]) {
      const [provider, double] = await setUp(context, (response) =>
        answerJson(response, `leaked ${KEY}`, status, { location: '/elsewhere' }),
      );
      assert.equal(await failureOf(provider.chat('s', 'm', SAID)), `status ${status}`);
      assert.equal(double.calls.length, 1);
    }
  });

  const wrong: Readonly<Record<string, readonly [(response: ServerResponse) => void, string]>> = {
    'no JSON': [(response) => response.end('leaked <html>'), 'malformed'],
    'half of it': [(response) => response.end('{"choices":[{"mess'), 'malformed'],
    'other JSON': [(response) => answerJson(response, { choices: [{ message: { content: 7 } }] }), 'malformed'],
    null: [(response) => answerJson(response, null), 'malformed'],
    'no choices': [(response) => answerJson(response, { choices: [] }), 'malformed'],
    'a cut connection': [(response) => response.destroy(), 'unreachable'],
    'an end in the middle': [
      (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"choices"', () => response.destroy());
      },
      'unreachable',
    ],
    'too much': [(response) => response.end(Buffer.alloc(ANSWER_BYTES_MAX + 1, 32)), 'too large'],
  };
  for (const [name, [behave, failure]] of Object.entries(wrong)) {
    test(`says so when the answer is ${name} (PR3, PR4)`, async (context) => {
      const [provider] = await setUp(context, behave);
      assert.equal(await failureOf(provider.chat('s', 'm', SAID)), failure);
      assert.equal(provider.inFlight, 0);
    });
  }

  test('reads an answer in pieces, and ends one that takes too long, whatever came of it (PR2)', async (context) => {
    const [provider] = await setUp(
      context,
      (response, _, place) => {
        const text = JSON.stringify({ choices: [{ message: { content: 'in pieces' } }] });
        response.writeHead(200);
        if (place > 0) return void response.write(text.slice(0, 5));
        for (const char of text) response.write(char);
        response.end();
      },
      { timeoutMs: 90 },
    );
    // The first may be late on a busy machine: it is then told as that, and not as anything else.
    const first = await provider.chat('s', 'm', SAID).catch((error: ProviderError) => error.failure);
    assert.ok(first === 'in pieces' || first === 'timeout', first);
    assert.equal(await failureOf(provider.chat('s', 'm', SAID)), 'timeout');
  });

  test('says so when nobody is there, and when it is closed', async (context) => {
    const [provider, double] = await setUp(context, () => undefined, { inFlightMax: 1 });
    const open = provider.chat('s', 'm', SAID);
    const waiting = provider.chat('s', 'm', SAID);
    const failures = Promise.all([failureOf(open), failureOf(waiting)]);
    await provider.close();
    assert.deepEqual(await failures, ['closed', 'closed']);
    assert.equal(await failureOf(provider.chat('s', 'm', SAID)), 'closed');
    const nobody = new Provider({
      baseUrl: double.baseUrl.replace(/:\d+/, ':1'),
      apiKey: KEY,
      timeoutMs: 30_000,
      inFlightMax: 1,
    });
    assert.equal(await failureOf(nobody.chat('s', 'm', SAID)), 'unreachable');
    await nobody.close();
  });

  test('has so many calls in flight and no more, and takes the subjects in turn (PR1)', async (context) => {
    const held: ServerResponse[] = [];
    const order: string[] = [];
    const [provider, double] = await setUp(context, (response, { body }) => {
      order.push(String(body.model));
      held.push(response);
      if (order.length === 2 || order.length > 12) for (const one of held.splice(0)) say(one, 'ok');
      else if (order.length > 2) say(held.pop()!, 'ok');
    });
    const many = Array.from({ length: 12 }, (_, at) => provider.chat('greedy', `greedy ${at}`, SAID));
    await Promise.all([...many, provider.chat('modest', 'modest', SAID)]);
    assert.equal(double.openMost, 2);
    assert.equal(order.length, 13);
    // Two were in flight already, and at most one of the greedy was first in turn.
    assert.ok(order.indexOf('modest') <= 3, order.join(', '));
  });
});

describe('the fair gate', () => {
  test('lets each subject through once before any of them twice (FG2)', async () => {
    const gate = new FairGate(1, 100);
    const order: string[] = [];
    const enter = (subject: string): Promise<void> => gate.run(subject, async () => void order.push(subject));
    await Promise.all(['a', 'a', 'a', 'a', 'b', 'b', 'c'].map(enter));
    assert.deepEqual(order, ['a', 'a', 'b', 'c', 'a', 'b', 'a']);
    assert.deepEqual([gate.inFlight, gate.waiting], [0, 0]);
  });

  test('refuses the one that would wait beyond the bound, and whoever waits when it closes (FG1, FG3)', async () => {
    const gate = new FairGate(1, 2);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const code = (call: Promise<unknown>): Promise<unknown> => call.catch((error: CodedError) => error.code);
    const first = gate.run('a', () => held);
    const waiting = [gate.run('a', async () => 1), gate.run('b', async () => 1)].map(code);
    assert.equal(await code(gate.run('c', async () => 1)), 'OVERLOADED');
    gate.close();
    assert.deepEqual(await Promise.all(waiting), ['DRAINING', 'DRAINING']);
    assert.equal(await code(gate.run('a', async () => 1)), 'DRAINING');
    release();
    await first;
    assert.equal(gate.inFlight, 0);
  });
});

describe('the embedder of the protocol', () => {
  const vector = (text: string): readonly number[] => [text.length, 1, -0.5];

  test('gives each text its vector whatever order they come in, and a blank one zeros', async (context) => {
    const [provider, double] = await setUp(context, (response, { body }) => {
      const data = (body.input as readonly string[]).map((text, index) => ({ index, embedding: vector(text) }));
      answerJson(response, { data: data.toReversed() });
    });
    const embedder = openAiEmbedder({ provider, model: 'e-1', dimensions: 3, asksForDimensions: true });
    const texts = [
      'a',
      '  ',
      ...Array.from({ length: TEXTS_PER_CALL_MAX }, (_, at) => 'x'.repeat(at + 1)),
      'half \ud83d',
    ];
    const vectors = await embedder.embed(texts);
    for (const [at, text] of texts.entries()) {
      assert.deepEqual([...vectors[at]!], text.trim() === '' ? [0, 0, 0] : [...vector(text)]);
    }
    assert.deepEqual(
      double.calls.map(({ body }) => (body.input as readonly string[]).length),
      [TEXTS_PER_CALL_MAX, 2],
    );
    assert.deepEqual([double.calls[0]!.path, double.calls[0]!.body.dimensions], ['/v1/embeddings', 3]);
    assert.equal((double.calls[1]!.body.input as readonly string[])[1], 'half \ufffd');
    assert.deepEqual(await embedder.embed([]), []);
  });

  test('gives none when any is wrong', async (context) => {
    const rows: readonly unknown[] = [
      [],
      [{ index: 0, embedding: [1, 2] }],
      [{ index: 1, embedding: [1, 2, 3] }],
      [{ index: 0, embedding: [1, 2, null] }],
      [{ index: 0, embedding: [1, 2, 1e300] }],
      [{ index: 0, embedding: '1,2,3' }],
      [null],
      'rows',
      [
        { index: 0, embedding: [1, 2, 3] },
        { index: 0, embedding: [1, 2, 3] },
      ],
    ];
    const [provider] = await setUp(context, (response, _, place) => answerJson(response, { data: rows[place] }));
    const embedder = openAiEmbedder({ provider, model: 'e', dimensions: 3 });
    for (const row of rows) assert.equal(await failureOf(embedder.embed(['hello'])), 'malformed', JSON.stringify(row));
  });
});
