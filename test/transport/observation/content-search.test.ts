import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { contentHash, type RemovalTarget, redactEvent } from '../../../src/redaction.js';
import { decodeValue, encodeValue } from '../../../src/runtime/codec.js';
import { eventRows } from '../../../src/runtime/event-blocks.js';
import { encodeKey } from '../../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../../src/runtime/storage/meta.js';
import { holding, lookFor, SLICE_BYTES_MAX } from '../../../src/transport/observation/content-search.js';
import type { Looking, Looks } from '../../../src/transport/observation/protocol.js';

interface Said {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Event n is of the time 1000 n, unless `at` says otherwise. */
function logOf(said: readonly Said[], at = (seq: number) => seq * 1000): MemoryStore {
  const store = new MemoryStore();
  const values = said.map(({ type, data }, place) => encodeValue([at(place + 1), type, null, data]));
  store.commit((batch) => {
    for (const { key, value } of eventRows(1, values)) batch.put(encodeKey(key), value);
    writeMetaNumber(batch, ['seq'], values.length);
  });
  return store;
}

/** All slices of a search, one behind the other. */
function slices<K extends 'message' | 'value' | 'contents' | 'inbox'>(
  store: MemoryStore,
  kind: K,
  asked: Omit<Looks[K]['asked'], 'after'>,
): Looks[K]['found'][] {
  const found: Looks[K]['found'][] = [];
  for (let after = 0; ; ) {
    const slice = lookFor(store, { kind, asked: { ...asked, after } } as Looking, '') as Looks[K]['found'];
    found.push(slice);
    if (slice.isEnd) return found;
    assert.ok(slice.next > after, 'a slice leads on');
    after = slice.next;
  }
}

const keys = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  fc.constantFrom(1, 31, 32, 33, 63, 64, 85, 255, 256, 300, 1024).map((length) => 'k'.repeat(length)),
  fc.constantFrom(10, 11, 16, 31, 32, 85, 86, 127, 128, 256, 341).map((length) => '€'.repeat(length)),
);

describe('a search', () => {
  test('looks for bytes that stand in every event of the key, whatever the key, and its neighbours', () => {
    fc.assert(
      fc.property(keys, fc.string(), (key, value) => {
        for (const data of [
          { key, value, value_length: 1, written_by: 'tab_a' },
          { removal_id: 'r', key, reason: 'x' },
          { key, value: key.repeat(3), redacted: true },
        ]) {
          const event = Buffer.from(encodeValue([1, 'state_written', 'tab_a', data]));
          assert.ok(event.includes(holding({ kind: 'key', id: key })));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('gives what is to be in the place of each event that holds a value, up to the one that tells of the removal', () => {
    const fill = 'x'.repeat(10_000);
    const said: Said[] = [];
    for (let i = 0; i < 1500; i++) {
      const key = i % 3 === 0 ? 'k' : `k${i % 3}`;
      said.push({ type: i % 7 === 0 ? 'state_deleted' : 'state_written', data: { key, value: `${i}${fill}` } });
    }
    said[900] = { type: 'content_removed', data: { removal_id: 'r1', key: 'k' } };
    said[600] = { type: 'content_removed', data: { removal_id: 'r0', key: 'k' } };
    const store = logOf(said);
    const target: RemovalTarget = { kind: 'key', id: 'k' };
    const found = slices(store, 'contents', { removal: { id: 'r1', target } });
    assert.ok(found.length > (900 * fill.length) / SLICE_BYTES_MAX, 'slice by slice');
    const rewritten = found.flatMap(({ events }) => events);
    const expected = said.flatMap((event, place) => {
      const redacted = place < 900 ? redactEvent(event, target) : undefined;
      return redacted === undefined ? [] : [[place + 1, [(place + 1) * 1000, event.type, null, redacted.data]]];
    });
    assert.ok(expected.length > 200);
    assert.deepEqual(
      rewritten.map(({ seq, event }) => [seq, decodeValue(event)]),
      expected,
    );
  });

  test('bounds what one slice has rewritten, and misses none', () => {
    const said = Array.from(
      { length: 1000 },
      (_, i): Said => ({ type: 'state_written', data: { key: 'k', value: `${i}` } }),
    );
    const found = slices(logOf(said), 'contents', { removal: { id: 'r', target: { kind: 'key', id: 'k' } } });
    assert.deepEqual(
      found.map(({ events }) => events.length),
      [256, 256, 256, 232],
    );
    assert.deepEqual(
      found.flatMap(({ events }) => events.map(({ seq }) => seq)),
      said.map((_, i) => i + 1),
    );
  });

  test('finds the one event of a message, with whom it was for and the hash of what it holds', () => {
    const said: Said[] = [
      { type: 'message_sent', data: { message_id: 'a', to: 'tab_a', content: 'not this' } },
      { type: 'message_delivered', data: { message_id: 'b', to: 'tab_b' } },
      { type: 'message_sent', data: { message_id: 'b', to: 'tab_b', content: 'this' } },
      { type: 'message_sent', data: { message_id: 'c', to: 'tab_c', content: 'gone', redacted: true } },
    ];
    const store = logOf(said);
    const find = (id: string) => slices(store, 'message', { id }).at(-1)?.message;
    assert.deepEqual(find('b'), { seq: 3, to: 'tab_b', contentHash: contentHash('this') });
    assert.deepEqual(find('c'), { seq: 4, to: 'tab_c', contentHash: undefined });
    assert.equal(find('d'), undefined);
    const target = { kind: 'message', id: 'b' } as const;
    const [contents] = slices(store, 'contents', { removal: { id: 'r', target } });
    assert.deepEqual([contents?.events.map(({ seq }) => seq), contents?.next], [[3], 3], 'nothing behind it is read');
  });

  test('finds the last value that the log holds of a key', () => {
    const said: Said[] = [
      { type: 'state_written', data: { key: 'k', value: 'first' } },
      { type: 'state_written', data: { key: 'k', value: 'last' } },
      { type: 'state_written', data: { key: 'k', value: '-', redacted: true } },
      { type: 'state_written', data: { key: 'kk', value: 'other' } },
    ];
    const hashes = (key: string) => slices(logOf(said), 'value', { key }).map((slice) => slice.contentHash);
    assert.deepEqual(hashes('k'), [contentHash('last')]);
    assert.deepEqual(hashes('none'), [undefined]);
  });

  test('finds where a message is in an inbox, over many slices', () => {
    const store = new MemoryStore();
    const content = 'x'.repeat(60_000);
    store.commit((batch) => {
      for (const agent of ['tab_a', 'tab_b']) {
        for (let seq = 1; seq <= 300; seq++) {
          // What a message says is no id of it.
          const row = {
            messageId: `${agent} ${seq}`,
            from: 'f',
            content: `${agent} ${seq + 1} ${content}`,
            at: 1,
            bytes: 1,
          };
          batch.put(encodeKey(['inbox', agent, seq]), encodeValue(row));
        }
      }
    });
    const found = slices(store, 'inbox', { agent: 'tab_a', id: 'tab_a 299' });
    assert.equal(found.at(-1)?.seq, 299);
    assert.ok(found.length > 3);
    assert.equal(slices(store, 'inbox', { agent: 'tab_a', id: 'tab_b 3' }).at(-1)?.seq, undefined);
    assert.equal(slices(store, 'inbox', { agent: 'tab_none', id: 'x' }).at(-1)?.seq, undefined);
  });

  test('finds the place in the log of a time, also of one before it began or behind its end', () => {
    const said = Array.from(
      { length: 500 },
      (): Said => ({ type: 'message_sent', data: { content: 'x'.repeat(100) } }),
    );
    const store = logOf(said);
    const before = (at: number) => lookFor(store, { kind: 'time', asked: { at } }, '');
    for (const [at, seq] of [
      [0, 0],
      [1000, 0],
      [1001, 1],
      [250_500, 250],
      [9_999_999, 500],
    ] as const) {
      assert.deepEqual(before(at), { seq });
    }
    assert.deepEqual(lookFor(new MemoryStore(), { kind: 'time', asked: { at: 5 } }, ''), { seq: 0 });
  });
});
