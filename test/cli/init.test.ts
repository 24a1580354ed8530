// What a newcomer does first: `troupe init`, and the three lines that it prints.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { onBothListeners, type Stage } from '../server/on-both-listeners.js';
import type { Taken } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

interface Curl {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: string | undefined;
}

/** The words of a printed line, as a shell would make them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/** What curl would send. */
function parsed(line: string): Curl {
  const words = wordsOf(line);
  const after = (option: string) => words.flatMap((word, at) => (words[at - 1] === option ? [word] : []));
  const headers = after('-H').map((header) => header.split(': ') as [string, string]);
  const url = words.find((word) => word.startsWith('http'))!;
  return { method: after('-X')[0] ?? 'GET', url, headers: Object.fromEntries(headers), data: after('-d')[0] };
}

/** Runs a printed line as it is, or, where there is no curl, sends what it would. */
async function execute(line: string): Promise<string> {
  const [command, ...words] = wordsOf(line);
  assert.equal(command, 'curl');
  if (hasCurl) return (await run('curl', words)).stdout;
  const { method, url, headers, data } = parsed(line);
  const response = await fetch(url, { method, headers, ...(data === undefined ? {} : { body: data }) });
  return response.text();
}

function curlLines(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('curl '));
}

/** Runs `init`, and what it prints; everything must do what it says. */
async function initAndTry({ api, server }: Stage): Promise<void> {
  const { code, stdout, stderr } = await runTroupe(['init', '--url', server.url, '--contact', 'me@example.com']);
  assert.deepEqual([code, stderr], [0, '']);
  const operatorToken = /^operator token (sk_live_[0-9a-f]{64})$/m.exec(stdout)?.[1];
  const address = /^agent (tab_[a-z0-9]{20})$/m.exec(stdout)?.[1];
  const agentToken = /^agent token (at_live_[0-9a-f]{64})$/m.exec(stdout)?.[1];
  assert.ok(operatorToken !== undefined && address !== undefined && agentToken !== undefined, stdout);
  const owned = await api.must<{ agents: { address: string }[] }>(200, { path: '/v1/agents', as: operatorToken });
  assert.deepEqual(
    owned.agents.map((agent) => agent.address),
    [address],
  );

  const lines = curlLines(stdout);
  assert.equal(lines.length, 3);
  const answers: string[] = [];
  for (const line of lines) answers.push(await execute(line));
  const [sent, taken, written] = answers.map((answer) => JSON.parse(answer) as Record<string, unknown>);
  assert.equal(sent?.to, address);
  const [message] = (taken as unknown as Taken).messages;
  assert.deepEqual([message?.message_id, message?.content], [sent?.message_id, 'Hello, me']);
  assert.equal(written?.key, 'greeting');
  const greeting = await api.must<{ value: string }>(200, { path: '/v1/state/greeting', as: agentToken });
  assert.equal(greeting.value, 'Hello, all');
}

const check = onBothListeners({ 'verification.gate': 'pipeline' });

check('prints credentials that work and three lines that do what they say', initAndTry);

check('passes a proof of work too, and says with 1 what the server refused', async (stage) => {
  await stage.server.stop();
  const proof = { 'verification.gate': 'proof_of_work', 'verification.difficulty_bits': 8 };
  await stage.server.startAgain({ ...proof, 'limits.operator_registration_per_hour': 1 });
  await initAndTry(stage);
  const { code, stderr } = await runTroupe(['init', '--url', stage.server.url]);
  assert.equal(code, 1);
  assert.match(stderr, /^troupe: POST \/v1\/operators was answered 429: The limit for .* is reached\./);
});

test('says with 1 that nothing answers where it was sent', async () => {
  const { code, stdout, stderr } = await runTroupe(['init', '--url', 'http://127.0.0.1:9']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^troupe: http:\/\/127\.0\.0\.1:9 does not answer .*Is 'troupe serve' running there\?/);
});
