import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildPipeline, TEXT_CHARS_MAX } from '../../../src/actors/operator/pipeline.js';
import { runPipeline } from '../../../src/contract/challenge.js';

// Written from the contract, on bytes and without Buffer's codecs, to agree with the real one only if both are right.
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function reference(text: string, op: string): string {
  const chars = text.split('');
  const codes = chars.map((char) => char.charCodeAt(0));
  if (op === 'reverse') return chars.reduce((reversed, char) => char + reversed, '');
  if (op === 'hex_encode') return codes.map((code) => (code < 16 ? '0' : '') + code.toString(16)).join('');
  if (op === 'uppercase') return mapLetters(codes, 97, (code) => code - 32);
  if (op === 'lowercase') return mapLetters(codes, 65, (code) => code + 32);
  if (op === 'rot13') {
    const upper = mapLetters(codes, 65, (code) => (code < 78 ? code + 13 : code - 13));
    return mapLetters(
      [...upper].map((char) => char.charCodeAt(0)),
      97,
      (code) => (code < 110 ? code + 13 : code - 13),
    );
  }
  if (op === 'sha256') return createHash('sha256').update(Uint8Array.from(codes)).digest('hex');
  if (op === 'base64_encode') {
    const bits = codes.map((code) => code.toString(2).padStart(8, '0')).join('');
    const groups = bits.match(/.{1,6}/g) ?? [];
    const body = groups.map((group) => BASE64[Number.parseInt(group.padEnd(6, '0'), 2)]).join('');
    return body.padEnd(Math.ceil(body.length / 4) * 4, '=');
  }
  if (op === 'base64_decode') {
    const bits = chars
      .filter((char) => char !== '=')
      .map((char) => BASE64.indexOf(char).toString(2).padStart(6, '0'))
      .join('');
    return (bits.match(/.{8}/g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 2))).join('');
  }
  if (op.startsWith('prepend:')) return op.slice(8) + text;
  if (op.startsWith('append:')) return text + op.slice(7);
  throw new Error(`unknown operation ${op}`);
}

function mapLetters(codes: number[], first: number, change: (code: number) => number): string {
  return codes.map((code) => String.fromCharCode(code >= first && code < first + 26 ? change(code) : code)).join('');
}

/** Choices as the generator makes them, from a list of numbers that fast-check can shrink. */
const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 80 }).map((numbers) => {
  let at = 0;
  return (below: number) => (numbers[at++ % numbers.length]! + at) % below;
});

test('every built pipeline is valid, printable, bounded, and its answer is what the contract says', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(choices, (randomInt) => {
      const { pipeline, answer } = buildPipeline(randomInt);
      let text = pipeline.seed;
      for (const { op } of pipeline.operations) {
        seen.add(op.replace(/:.*/, ''));
        text = reference(text, op);
        assert.match(text, /^[ -~]+$/);
        assert.ok(text.length <= TEXT_CHARS_MAX);
      }
      assert.equal(answer, text);
      assert.equal(runPipeline(pipeline), text);
      assert.ok(pipeline.operations.length >= 3 && pipeline.operations.length <= 6);
    }),
    { numRuns: 2000 },
  );
  assert.equal(seen.size, 10, `every operation was tried, not only ${[...seen]}`);
});

test('applies each operation as the contract describes it', () => {
  const results: Record<string, string> = {
    reverse: '321cbA',
    base64_encode: 'QWJjMTIz',
    hex_encode: '416263313233',
    sha256: createHash('sha256').update('Abc123').digest('hex'),
    uppercase: 'ABC123',
    lowercase: 'abc123',
    rot13: 'Nop123',
    'prepend:x:y': 'x:yAbc123',
    'append:z': 'Abc123z',
  };
  for (const [op, expected] of Object.entries(results)) {
    assert.equal(runPipeline({ seed: 'Abc123', operations: [{ op }] }), expected, op);
  }
  assert.equal(runPipeline({ seed: 'QWJjMTIz', operations: [{ op: 'base64_decode' }] }), 'Abc123');
});

test('does not compute an operation that it does not know', () => {
  assert.throws(() => runPipeline({ seed: 'a', operations: [{ op: 'md5' }] }), { name: 'Defect' });
});
