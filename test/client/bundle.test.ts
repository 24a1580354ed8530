// The build for pages: nothing is left to load, and it stays as small as docs/client.md says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.js';

/** As docs/client.md states them: bytes, minified and then compressed. */
const SIZES = {
  '{ connect }': { minifiedMax: 18_500, gzipMax: 6_800 },
  '*': { minifiedMax: 25_000, gzipMax: 8_700 },
} as const;

const page = readFileSync(join(process.cwd(), 'docs', 'client.md'), 'utf8');

for (const [names, { minifiedMax, gzipMax }] of Object.entries(SIZES)) {
  test(`a page that imports ${names} has it all in one file, of at most ${minifiedMax} bytes`, async () => {
    const { text, imports } = await bundle(names);
    assert.deepEqual(imports, []);
    assert.doesNotMatch(text, /\bimport\(|\brequire\(|\bBuffer\b|\bprocess\.|node:/);
    const [minified, compressed] = [Buffer.byteLength(text), gzipSync(text, { level: 9 }).length];
    const measured = `${minified} bytes, ${compressed} with gzip`;
    assert.ok(minified <= minifiedMax && compressed <= gzipMax, measured);
    assert.ok(minified > minifiedMax * 0.9 && compressed > gzipMax * 0.9, `the bounds can be lowered: ${measured}`);
    for (const bound of [minifiedMax, gzipMax]) {
      assert.ok(page.includes(bound.toLocaleString('en-US')), `docs/client.md does not state ${bound}`);
    }
  });
}
