import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchText } from './planted-build.js';

test('a patch replaces its one match, however it is laid out', () => {
  assert.equal(patchText('a();\n    b(1);\nc();', 'a(); b(1);', 'x($&);', 'f'), 'x($&);\nc();');
});

test('a patch that matches nothing, or twice, is refused by name', () => {
  assert.throws(() => patchText('a();', 'b();', '', 'some.js'), /matches 0 times in some\.js/);
  assert.throws(() => patchText('a(); a();', 'a();', '', 'some.js'), /matches 2 times/);
});
