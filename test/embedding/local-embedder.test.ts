import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Embedder } from '../../src/embedding/embedder.js';
import { createLocalEmbedder, isLocalModelInstalled } from '../../src/embedding/local-embedder.js';
import { CodedError } from '../../src/errors.js';

const defects: unknown[] = [];
const open: Embedder[] = [];

function embedderOf(queueMax: number): Embedder {
  const embedder = createLocalEmbedder({ threads: 1, queueMax, onDefect: (error) => defects.push(error) });
  open.push(embedder);
  return embedder;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

const isCoded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

describe('the local embedder', { skip: isLocalModelInstalled() ? false : 'the model is not installed' }, () => {
  const embedder = embedderOf(100);
  after(() => Promise.all(open.map((each) => each.close())));

  test('puts near in meaning near, without a common word', async () => {
    const [question, answer, other] = await embedder.embed([
      'Which animals live with you?',
      'I have two dogs at home',
      'The invoice was paid by bank transfer',
    ]);
    assert.equal(question!.length, embedder.dimensions);
    assert.ok(cosine(question!, answer!) > cosine(question!, other!) + 0.1);
  });

  test('gives the vectors in the order of the texts, alone or among many, and keeps the loop free (LE1)', async () => {
    const texts = Array.from({ length: 40 }, (_, at) => `Sentence number ${at} is about subject ${at * 7}`);
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const all = await embedder.embed(texts);
    clearInterval(counting);
    assert.ok(turns > 5, `the loop turned ${turns} times`);
    const [alone] = await embedder.embed([texts[33]!]);
    assert.ok(cosine(alone!, all[33]!) > 0.999);
    assert.ok(cosine(alone!, all[3]!) < 0.999);
  });

  test('takes any text, and gives a blank one zeros', async () => {
    const texts = ['', ' \n', '\ud800', 'a'.repeat(500_000), '字'.repeat(2_000), '\ufdfa'.repeat(3_000), '😀', '\0'];
    const vectors = await embedder.embed(texts);
    assert.deepEqual(
      vectors.map((vector) => vector.every(Number.isFinite)),
      texts.map(() => true),
    );
    assert.ok(vectors[0]!.every((value) => value === 0) && vectors[1]!.every((value) => value === 0));
    assert.ok(vectors[3]!.some((value) => value !== 0));
    assert.deepEqual(await embedder.embed([]), []);
  });

  test('refuses as a whole what would wait too long, and everything once it is closed (LE2)', async () => {
    const small = embedderOf(1);
    const many = Array.from({ length: 33 }, (_, at) => `text ${at}`);
    await assert.rejects(small.embed(many), isCoded('OVERLOADED'));
    assert.equal((await small.embed(many.slice(0, 32))).length, 32);
    await small.close();
    await assert.rejects(small.embed(['late']), isCoded('DRAINING'));
    assert.deepEqual(defects, []);
  });
});
