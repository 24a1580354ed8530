// The words of the command line: what is known, what is not, and the code that tells a script.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName } from '../../src/config-schema.js';
import { version } from '../../src/version.js';
import { runTroupe } from '../server/troupe-command.js';

const COMMANDS = ['serve', 'init', 'ceilings', 'backup', 'check', 'events', 'version'];

test('prints the version in three ways', async () => {
  for (const word of ['version', '--version', '-v']) {
    assert.deepEqual(await runTroupe([word]), { code: 0, stdout: `${version}\n`, stderr: '' });
  }
});

test('explains itself when asked, and every command of it', async () => {
  const { stdout: overview } = await runTroupe(['help']);
  for (const command of COMMANDS) {
    assert.match(overview, new RegExp(`^  troupe ${command} `, 'm'));
    const help = await runTroupe([command, '--help']);
    assert.deepEqual([help.code, help.stderr], [0, '']);
    assert.match(help.stdout, new RegExp(`^(troupe ${command}|Prints)`));
  }
  for (const word of ['--help', '-h']) {
    assert.deepEqual(await runTroupe([word]), { code: 0, stdout: overview, stderr: '' });
  }
  assert.deepEqual(await runTroupe([]), { code: 2, stdout: overview, stderr: '' });
});

test('refuses unknown commands, options and words with 2, and says which', async () => {
  const wrong: [words: string[], said: RegExp][] = [
    [['start'], /there is no command start/],
    [['constructor'], /there is no command constructor/],
    [['serve', '--port', '80'], /--port/],
    [['serve', 'now'], /unexpected argument now/],
    [['serve', '--set'], /--set/],
    [['serve', '--config', 'a', '--config', 'b'], /--config is given twice/],
    [['init', 'now'], /unexpected argument now/],
    [['init', '--url', 'ftp://x'], /--url must be like/],
    [['init', '--url', 'http://127.0.0.1:1/v1'], /--url must be like/],
    [['ceilings'], /the admin token is needed/],
    [['ceilings', '--token', 'a', '--url', 'ftp://x'], /--url must be like/],
    [['backup'], /the directory to copy to/],
    [['backup', 'a', 'b'], /unexpected argument b/],
    [['check', 'a', 'b'], /unexpected argument b/],
    [['check', '--yes'], /--yes is for --repair/],
    [['check', '--repair=all'], /--repair/],
    [['backup', 'a', '--repair'], /--repair/],
    [['events'], /one of tail, export, verify/],
    [['events', 'head'], /one of tail, export, verify/],
    [['events', 'tail', 'a'], /unexpected argument a/],
    [['events', 'tail', '--since', 'x'], /--since must be/],
    [['events', 'tail', '--url', 'x'], /--url must be like/],
    [['events', 'export', 'a', '--until', '-1'], /--until/],
    [['events', 'verify', 'a', 'b'], /unexpected argument b/],
    [['version', '--long'], /--long/],
  ];
  for (const [words, said] of wrong) {
    const { code, stdout, stderr } = await runTroupe(words);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.match(stderr, /^troupe: /);
    assert.match(stderr, said);
    assert.match(stderr, /Try 'troupe help'\.\n$/);
  }
});

test('reports every fault of the config at once with 2, where it came from, and no secret', async () => {
  const secret = 'ad_live_not-so-secret';
  const environment = {
    [environmentName('limits.state_read_per_min')]: 'many',
    TROUPE_HTTP_PROT: '80',
    [environmentName('admin.token')]: secret,
  };
  const sets = ['http.port=70000', 'htpp.port=80', 'durability=maybe', 'novalue'];
  const { code, stdout, stderr } = await runTroupe(['serve', ...sets.flatMap((set) => ['--set', set])], {
    environment,
  });
  assert.deepEqual([code, stdout], [2, '']);
  const expected = [
    /limits\.state_read_per_min: .*whole number.*\(environment\)/,
    /TROUPE_HTTP_PROT: is not a key; did you mean TROUPE_HTTP_PORT\? \(environment\)/,
    /admin\.token: .*\(environment\)/,
    /http\.port: .*65535 \(--set\)/,
    /htpp\.port: is not a key; did you mean http\.port\? \(--set\)/,
    /durability: must be one of volatile, committed, durable \(--set\)/,
    /--set number 4: must be key=value/,
  ];
  for (const line of expected) assert.match(stderr, line);
  assert.ok(!stderr.includes(secret), stderr);
});

test('reads the config of the working directory, the environment over it, and --set over both', async () => {
  const home = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  try {
    const file = { data_dir: 'from-file', messaging: { overflow: 'sometimes' }, 'state.key_bytes_max': 0 };
    writeFileSync(`${home}/troupe.config.json`, JSON.stringify(file));
    const environment = { TROUPE_STATE_KEY_BYTES_MAX: '100' };
    const words = ['serve', '--set', 'messaging.overflow=drop_oldest', '--set', 'workers=-1'];
    const { code, stderr } = await runTroupe(words, { cwd: home, environment });
    assert.equal(code, 2);
    assert.equal(stderr, 'troupe: The config is not valid:\n  workers: must be a whole number from 0 to 256 (--set)\n');
    writeFileSync(`${home}/broken.json`, '{"admin.token": "ad_live_');
    const broken = await runTroupe(['serve', '--config', 'broken.json'], { cwd: home });
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /broken\.json: is not JSON/);
    assert.ok(!broken.stderr.includes('ad_live_'));
    const absent = await runTroupe(['serve', '--config', 'absent.json'], { cwd: home });
    assert.deepEqual([absent.code, /absent\.json: does not exist/.test(absent.stderr)], [2, true]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
