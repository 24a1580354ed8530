import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONFIG_FILE, ConfigError, type ConfigFault, type ConfigSources, loadConfig } from '../src/config.js';

const ADMIN_TOKEN = `ad_live_${'0a'.repeat(32)}`;
let cwd = '';

before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'troupe-config-'));
});
after(() => rmSync(cwd, { recursive: true, force: true }));

interface Given extends Partial<Omit<ConfigSources, 'cwd'>> {
  readonly content?: unknown;
}

function load({ content, ...sources }: Given = {}) {
  const path = join(cwd, CONFIG_FILE);
  rmSync(path, { force: true });
  if (content !== undefined) writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig({ cwd, env: {}, sets: [], ...sources });
}

function faults(given: Given): readonly ConfigFault[] {
  try {
    load(given);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults;
  }
  assert.fail('the config was taken');
}

test('without any source every key has the default of the contract', () => {
  assert.deepEqual(load(), {
    http: {
      host: '127.0.0.1',
      port: 8080,
      listener: 'auto',
      trustedProxies: [],
      bodyBytesMax: 2_097_152,
      bodyTimeoutMs: 30_000,
      headTimeoutMs: 10_000,
      idleTimeoutMs: 60_000,
      connectionsMax: 10_000,
    },
    sessions: { max: 50_000, heartbeatMs: 30_000 },
    dataDir: './troupe-data',
    workers: 0,
    durability: 'durable',
    journal: { segmentBytes: 16_777_216, unappliedBytesMax: 134_217_728, applyAfterMs: 250 },
    shutdownTimeoutMs: 10_000,
    log: { level: 'info' },
    admin: { token: null },
    limits: {
      messageSendPerMin: 60,
      messageReadPerMin: 300,
      stateReadPerMin: 300,
      stateWritePerMin: 60,
      registryReadPerMin: 30,
      operatorRegistrationPerHour: 5,
    },
    auth: {
      argon2MemoryKib: 19_456,
      argon2Passes: 2,
      argon2Lanes: 1,
      hashThreads: 2,
      hashQueueMax: 1024,
      cacheTtlMs: 30_000,
    },
    metrics: { access: 'loopback' },
    observe: { access: 'auto', requestsPerMin: 300, streamsMax: 100 },
    eventLog: { reads: false, retentionDays: 0, retentionBytes: 0, archiveDir: null },
    verification: { gate: 'pipeline', expiryMs: 300_000, difficultyBits: 18 },
    webhooks: {
      inFlightMax: 100,
      inFlightPerEndpoint: 4,
      connectTimeoutMs: 5000,
      timeoutMs: 10_000,
      retries: 3,
      retryAfterMs: 1000,
      circuitFailures: 5,
      circuitOpenMs: 300_000,
      allowPrivate: false,
    },
    address: { prefix: 'tab_' },
    messaging: {
      contentBytesMax: 65_536,
      inboxMessagesMax: 10_000,
      inboxBytesMax: 67_108_864,
      overflow: 'refuse',
    },
    state: { capacityBytes: 1_073_741_824, keyBytesMax: 1024, valueBytesMax: 1_048_576 },
    memory: {
      apiKeys: [],
      requireTenant: false,
      tenantHeader: 'X-Tenant-ID',
      rateLimitPerMin: 0,
      contextTokensDefault: 4000,
      embeddingsProvider: 'none',
      indexBytesMax: 536_870_912,
      kindTtlDays: {},
      jobRetentionHours: 168,
    },
  });
});

test('the command line wins over the environment, that over the file, that over the default', () => {
  const content = { http: { port: 1 }, 'log.level': 'warn', workers: 1 };
  const env = { TROUPE_HTTP_PORT: '2', TROUPE_LOG_LEVEL: 'error', PATH: '/bin' };
  const config = load({ content, env, sets: ['http.port=3'] });
  assert.equal(config.http.port, 3);
  assert.equal(config.log.level, 'error');
  assert.equal(config.workers, 1);
  assert.equal(config.state.keyBytesMax, 1024);
});

test('nested and dotted keys of a file mean the same', () => {
  assert.deepEqual(load({ content: { http: { port: 9 } } }), load({ content: { 'http.port': 9 } }));
});

test('a list is JSON in the environment and on the command line', () => {
  const env = { TROUPE_HTTP_TRUSTED_PROXIES: '["10.0.0.0/8", "::1"]' };
  assert.deepEqual(load({ env }).http.trustedProxies, ['10.0.0.0/8', '::1']);
  assert.deepEqual(load({ sets: ['http.trusted_proxies=["192.0.2.1"]'] }).http.trustedProxies, ['192.0.2.1']);
});

test('true and false are JSON in the environment and on the command line', () => {
  assert.equal(load({ sets: ['event_log.reads=true'] }).eventLog.reads, true);
  assert.equal(load({ env: { TROUPE_EVENT_LOG_READS: 'false' } }).eventLog.reads, false);
  assert.equal(load({ content: { event_log: { reads: true } } }).eventLog.reads, true);
  for (const wrong of ['yes', '1', '"true"']) {
    const [fault] = faults({ sets: [`event_log.reads=${wrong}`] });
    assert.deepEqual([fault?.key, fault?.problem], ['event_log.reads', 'must be true or false']);
  }
});

test('a text on the command line may hold an equals sign', () => {
  assert.equal(load({ sets: ['data_dir=a=b'] }).dataDir, 'a=b');
});

test('a key that nobody knows is refused in every source, with the name that was likely meant (F1)', () => {
  const given = { content: { htp: { port: 1 } }, env: { TROUPE_HTTP_PROT: '1' }, sets: ['http.poort=1'] };
  assert.deepEqual(faults(given), [
    { key: 'htp.port', problem: 'is not a key; did you mean http.port?', source: CONFIG_FILE },
    { key: 'TROUPE_HTTP_PROT', problem: 'is not a key; did you mean TROUPE_HTTP_PORT?', source: 'environment' },
    { key: 'http.poort', problem: 'is not a key; did you mean http.port?', source: '--set' },
  ]);
  assert.equal(faults({ sets: ['constructor=1'] })[0]?.problem, 'is not a key');
  assert.equal(faults({ content: { http: {}, entirely_else: 1 } })[0]?.problem, 'is not a key');
});

test('every fault is reported at once (F2)', () => {
  const env = { TROUPE_HTTP_PORT: '80 80', TROUPE_WORKERS: '-1', TROUPE_HTTP_TRUSTED_PROXIES: '[' };
  const content = { state: { key_bytes_max: '12' }, verification: { gate: 'quiz' }, address: { prefix: 'Tab' } };
  const sets = ['log.level=loud', 'http.trusted_proxies=["10.0.0.0/33"]'];
  const keys = faults({ content, env, sets }).map(({ key, source }) => `${key} ${source}`);
  assert.deepEqual(keys, [
    'http.port environment',
    'http.trusted_proxies --set',
    'workers environment',
    'log.level --set',
    `verification.gate ${CONFIG_FILE}`,
    `address.prefix ${CONFIG_FILE}`,
    `state.key_bytes_max ${CONFIG_FILE}`,
  ]);
});

const wrongTypes: readonly (readonly [key: string, value: unknown])[] = [
  ['http.port', '8080'],
  ['http.port', 80.5],
  ['http.port', 65_536],
  ['http.port', null],
  ['http.host', ''],
  ['http.host', 7],
  ['http.trusted_proxies', '10.0.0.1'],
  ['http.trusted_proxies', [1]],
  ['http.trusted_proxies', ['10.0.0.0/8/8']],
  ['http.trusted_proxies', ['proxy.example']],
  ['durability', 'yes'],
  ['data_dir', { a: 1 }],
  ['messaging.overflow', true],
];
for (const [key, value] of wrongTypes) {
  test(`refuses ${JSON.stringify(value)} for ${key} in a file and adjusts nothing (F1)`, () => {
    assert.equal(faults({ content: { [key]: value } }).length, 1);
  });
}

test('a secret is in no fault, however it was mistyped (F2)', () => {
  const near = ADMIN_TOKEN.slice(0, -1);
  const tries: Given[] = [
    { env: { TROUPE_ADMIN_TOKEN: near } },
    { sets: [`admin.token=${near}`] },
    { sets: [`admin.tokn=${near}`] },
    { sets: [near] },
    { content: { admin: { token: near } } },
    { content: { admin: { tokn: near } } },
    { content: `{"admin": {"token": "${near}"` },
  ];
  for (const given of tries) {
    const found = faults(given);
    assert.ok(found.length > 0);
    assert.ok(!JSON.stringify(found).includes('0a0a'), JSON.stringify(found));
    assert.ok(!new ConfigError(found).message.includes('0a0a'));
  }
});

test('an address that others reach needs an admin token, and keys of the memory API', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.0.0.1.example.org']) {
    assert.deepEqual(
      faults({ sets: [`http.host=${host}`] }).map(({ key }) => key),
      ['http.host', 'memory.api_keys'],
    );
    const sets = [`http.host=${host}`, `admin.token=${ADMIN_TOKEN}`, `memory.api_keys=["${'k'.repeat(16)}"]`];
    assert.equal(load({ sets }).admin.token, ADMIN_TOKEN);
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) load({ sets: [`http.host=${host}`] });
});

test('a content or value that no body could hold is refused', () => {
  const keys = faults({ sets: ['http.body_bytes_max=2048'] }).map(({ key }) => key);
  assert.deepEqual(keys, ['messaging.content_bytes_max', 'state.value_bytes_max']);
});

test('a file that is broken, no object, or asked for and absent is a fault', () => {
  assert.match(faults({ content: '{' })[0]?.problem ?? '', /not JSON/);
  assert.match(faults({ content: [] })[0]?.problem ?? '', /one object/);
  assert.match(faults({ file: join(cwd, 'absent.json') })[0]?.problem ?? '', /does not exist/);
  assert.match(faults({ file: cwd })[0]?.problem ?? '', /cannot be read/);
  assert.match(faults({ content: '{"http":{"port":1},"http.port":2}' })[0]?.problem ?? '', /twice/);
});

test('the config is frozen all the way down (F3)', () => {
  const config = load({ sets: ['http.trusted_proxies=["10.0.0.1"]'] });
  assert.throws(() => Object.assign(config, { workers: 9 }), TypeError);
  assert.throws(() => Object.assign(config.http, { port: 9 }), TypeError);
  assert.throws(() => (config.http.trustedProxies as string[]).push('x'), TypeError);
});

test('keys of the memory API, its tenant header and its numbers by kind are held to what they may be', () => {
  const key = 'k'.repeat(16);
  const { memory } = load({
    content: { memory: { api_keys: [key, `${key}@acme`], require_tenant: true, kind_ttl_days: { procedure: 7 } } },
  });
  assert.deepEqual(memory.apiKeys, [key, `${key}@acme`]);
  assert.equal(memory.requireTenant, true);
  assert.deepEqual(memory.kindTtlDays, { procedure: 7 });
  assert.throws(() => Object.assign(memory.kindTtlDays, { procedure: 9 }), TypeError);
  assert.equal(load({ sets: ['memory.require_tenant=true'] }).memory.requireTenant, true);
  const wrong = [
    'memory.api_keys=["short"]',
    `memory.api_keys=["${key}@"]`,
    'memory.require_tenant=yes',
    'memory.tenant_header=X-API-Key',
    'memory.tenant_header=Authorization',
    'memory.kind_ttl_days={"profile_fact":0}',
    'memory.kind_ttl_days={"fact":1}',
    'memory.kind_ttl_days=[]',
  ];
  for (const set of wrong) {
    const found = faults({ sets: [set] });
    assert.deepEqual(
      found.map(({ key: name }) => name),
      [set.slice(0, set.indexOf('='))],
      set,
    );
  }
});
