// What `npm pack` makes is installed into an empty folder and started there: it finds a file that the package forgot.

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

const INSTALL_TIMEOUT_MS = 240_000;
const ANSWER_TIMEOUT_MS = 20_000;

describe('the packed package', { timeout: INSTALL_TIMEOUT_MS + 4 * ANSWER_TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-package-'));
  let server: ChildProcess | undefined;

  before(() => {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { stdio: 'pipe' });
    const [tarball] = readdirSync(folder);
    assert.ok(tarball, 'npm pack made no package');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], {
      cwd: folder,
      stdio: 'pipe',
      timeout: INSTALL_TIMEOUT_MS,
    });
  });

  after(() => {
    server?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('tells its version from the folder it is installed in', () => {
    const command = join(folder, 'node_modules', '.bin', 'troupe');
    const version = execFileSync(command, ['version'], { encoding: 'utf8' });
    assert.match(version, /^\d+\.\d+\.\d+\n$/);
  });

  test('is a library that another program can import', () => {
    const program = [
      "import { actor, createSystem, startServer, version } from 'troupe';",
      "import { createTestSystem } from 'troupe/testing';",
      "const counter = actor({ kind: 'counter', state: () => 0, messages: { add: (context, by) => (context.state += by) } });",
      'const system = createTestSystem({ kinds: [counter] });',
      "const answer = system.ref(counter, 'a').ask('add', 2);",
      'await system.run();',
      'console.log(await answer, typeof createSystem, typeof startServer, version);',
    ].join('\n');
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.match(said, /^2 function function \d+\.\d+\.\d+\n$/);
  });

  test('has a client for pages that brings all it needs', () => {
    const program = "import * as client from 'troupe/client'; console.log(Object.keys(client).sort().join(' '));";
    const words = ['--conditions=browser', '--input-type=module', '-e', program];
    const said = execFileSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    assert.equal(said, 'HttpClient TroupeError connect\n');
  });

  test('starts, answers, and ends when it is told to', async () => {
    const command = join(folder, 'node_modules', '.bin', 'troupe');
    server = spawn(command, ['serve', '--set', 'http.port=0', '--set', 'data_dir=data'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(server, 'exit');
    const url = await addressOf(server);
    const response = await fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    assert.equal(((await response.json()) as { status: string }).status, 'ok');
    assert.equal(await talk(folder, url), 'heard: hello\n');
    server.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    assert.equal(code, 0);
  });
});

/** What an agent says that sends itself a message, over a session of the packed client. */
async function talk(folder: string, url: string): Promise<string> {
  const program = [
    "import { connect, HttpClient, solveChallenge } from 'troupe/client';",
    'const http = new HttpClient(process.argv[1]);',
    "const operator = http.operator((await http.createOperator('c0ffee')).api_key);",
    'const { challenge_id, challenge_type, challenge_data } = await operator.challenge();',
    'const response = solveChallenge(challenge_type, challenge_data);',
    'const { agent_token: token } = await operator.registerAgent(challenge_id, response);',
    'const agent = await connect(process.argv[1], { token });',
    "await agent.send(agent.address, 'hello');",
    "for await (const message of agent.messages()) { console.log('heard: ' + message.content); message.ack(); break; }",
    'agent.close();',
  ].join('\n');
  const words = ['--input-type=module', '-e', program, url];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: folder, timeout: ANSWER_TIMEOUT_MS });
  return stdout;
}

async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = /http:\/\/\S+/.exec(line);
    if (found !== null) return found[0];
  }
  throw new Error('the server ended without saying where it listens');
}
