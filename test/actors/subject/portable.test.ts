import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  canonicalJson,
  checksumOf,
  type ExportDocument,
  exportDocument,
  FAULTS_MAX,
  type PortableData,
  readdressed,
  readExport,
} from '../../../src/actors/subject/portable.js';
import type { Json, JsonObject } from '../../../src/actors/subject/records.js';

const AT = '2023-05-08T13:56:00.000Z';

const episode = (id: string, more: JsonObject = {}): JsonObject => ({
  id,
  subject_id: 'ana',
  source: 'chat',
  type: 'message',
  payload: { text: 'I live in Rome. 😀 \u2028' },
  metadata: {},
  provenance: {},
  session_id: null,
  created_at: AT,
  ...more,
});
const memory = (id: string, sources: readonly string[], more: JsonObject = {}): JsonObject => ({
  id,
  subject_id: 'ana',
  kind: 'profile_fact',
  content: 'User lives in Rome.',
  summary: 'User lives in Rome.',
  confidence: 0.8,
  valid_from: AT,
  valid_to: null,
  source_episode_ids: sources,
  metadata: {},
  status: 'active',
  sensitivity_labels: [],
  created_at: AT,
  updated_at: AT,
  ...more,
});
const resolution: JsonObject = {
  id: 'r1',
  subject_id: 'ana',
  session_id: 's1',
  status: 'resolved',
  resolution_summary: null,
  resolved_at: AT,
  metadata: {},
  created_at: AT,
  updated_at: AT,
};
const data: PortableData = {
  episodes: [episode('e1'), episode('e2', { occurred_at: AT, session_id: 's1' })],
  memories: [memory('m1', ['e1', 'e2'])],
  resolutions: [resolution],
};
const document = exportDocument('ana', data, AT);
const asJson = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const faultsOf = (value: Json): readonly string[] => {
  const read = readExport(value);
  return read.ok ? [] : read.faults.map(({ field }) => field);
};
/** A document with one member changed and the sum made right again. */
const changed = (change: Partial<PortableData>): JsonObject =>
  asJson(exportDocument('ana', { ...data, ...change }, AT));

describe('the export document', () => {
  test('is read as it was written (PD1)', () => {
    const read = readExport(asJson(document));
    assert.ok(read.ok);
    assert.equal(read.subjectId, 'ana');
    assert.deepEqual(read.data, asJson(data));
    assert.deepEqual(document.counts, { episodes: 2, memories: 1, resolutions: 1 });
  });

  test('writes canonical JSON as RFC 8785 gives it', () => {
    // The example of section 3.2.3, whose members are sorted by UTF-16 code units.
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew',
      '1': 'One',
      '\ud83d\ude00': 'Smiley',
      '\u0080': 'Control',
      '\u00f6': 'O',
    };
    const members = Object.keys(JSON.parse(canonicalJson(value)) as object);
    assert.deepEqual(members, ['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
    assert.equal(
      canonicalJson({ b: [1e21, 1e-7, 0.1, -0, 'é\n'], a: null }),
      '{"a":null,"b":[1e+21,1e-7,0.1,0,"é\\n"]}',
    );
  });

  test('has one sum whatever the order of members', () => {
    const json = fc.jsonValue() as fc.Arbitrary<Json>;
    const turned = (value: Json): Json => {
      if (Array.isArray(value)) return (value as readonly Json[]).map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value as JsonObject)
          .toReversed()
          .map(([name, inner]) => [name, turned(inner)]),
      );
    };
    fc.assert(
      fc.property(json, (value) => {
        const one = [episode('e1', { payload: { value } })];
        const other = one.map((row) => turned(row) as JsonObject);
        assert.equal(checksumOf({ ...data, episodes: one }), checksumOf({ ...data, episodes: other }));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('bears any depth', () => {
    const depth = 100_000;
    const deep = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as Json;
    assert.equal(canonicalJson(deep).length, 2 * depth);
  });

  test('is refused when anything in its data was changed (PD2)', () => {
    const other = asJson(document) as unknown as { -readonly [member in keyof ExportDocument]: ExportDocument[member] };
    other.memories = [memory('m1', ['e1', 'e2'], { content: 'User lives in Oslo.' })];
    assert.deepEqual(faultsOf(other as unknown as Json), ['checksum']);
    assert.deepEqual(faultsOf({ ...asJson(document), checksum: 7 }), ['checksum']);
  });

  test('is refused with every fault named by its field (PD2)', () => {
    assert.deepEqual(faultsOf([]), ['']);
    assert.deepEqual(faultsOf({}), ['format_version', 'subject_id', 'episodes', 'memories', 'counts']);
    assert.deepEqual(faultsOf({ ...asJson(document), format_version: '2.0', subject_id: '' }), [
      'format_version',
      'subject_id',
    ]);
    assert.deepEqual(faultsOf({ ...asJson(document), counts: { episodes: 2, memories: 4, resolutions: 1 } }), [
      'counts.memories',
    ]);
    const wrong = changed({
      episodes: [episode('e1', { payload: 'text', created_at: 'yesterday' }), 'no' as unknown as JsonObject],
      memories: [memory('m1', [], { kind: 'rumour', confidence: 2, valid_to: 'never', source_episode_ids: [7] })],
    });
    assert.deepEqual(faultsOf(wrong), [
      'episodes[0].payload',
      'episodes[0].created_at',
      'episodes[1]',
      'memories[0].kind',
      'memories[0].confidence',
      'memories[0].source_episode_ids',
      'memories[0].valid_to',
      'counts.episodes',
    ]);
    assert.deepEqual(faultsOf(changed({ episodes: [episode('e1'), episode('e1')] })), ['episodes[1].id']);
    assert.equal(faultsOf(changed({ episodes: Array.from({ length: 500 }, () => ({})) })).length, FAULTS_MAX);
  });

  test('gives every record a new id, and references that follow (PD3)', () => {
    let count = 0;
    const moved = readdressed({ ...data, memories: [memory('m1', ['e2', 'gone', 'e1'])] }, 'ben', () => `n${++count}`);
    assert.deepEqual(
      moved.episodes.map(({ id, subject_id }) => [id, subject_id]),
      [
        ['n1', 'ben'],
        ['n2', 'ben'],
      ],
    );
    assert.deepEqual([moved.memories[0]!.id, moved.memories[0]!.source_episode_ids], ['n3', ['n2', 'n1']]);
    assert.equal(moved.resolutions[0]!.id, 'n4');
    const kept = readdressed(data, 'ben');
    assert.deepEqual(kept.memories[0], { ...data.memories[0], subject_id: 'ben' });
    assert.ok(readExport(asJson(exportDocument('ben', moved, AT))).ok);
  });
});
