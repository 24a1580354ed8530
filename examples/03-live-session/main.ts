// Asks the agent of agent.ts a question after the other, and counts the answers. Stop the server while this runs, or kill it,
// and start it again: the questions wait, and every answer comes, once.
//
//   npm start -- --set verification.gate=none --set limits.message_send_per_min=0
//   node dist/examples/03-live-session/main.js

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, HttpClient } from 'troupe/client';

const url = process.env.SERVER_URL ?? 'http://127.0.0.1:8080';
const questions = Number(process.env.QUESTIONS ?? 100);
const pauseMs = Number(process.env.PAUSE_MS ?? 200);

const http = new HttpClient(url);
const operator = http.operator((await http.createOperator('a'.repeat(64))).api_key);
const register = async () => operator.registerAgent((await operator.challenge()).challenge_id, 'any');
const [asking, answering] = [await register(), await register()];

const env = { ...process.env, SERVER_URL: url, AGENT_TOKEN: answering.agent_token };
const agent = spawn(process.execPath, [join(import.meta.dirname, 'agent.js')], { env, stdio: 'inherit' });

const session = await connect(url, {
  token: asking.agent_token,
  onStatus: (status) => console.log(status.kind === 'waiting' ? `waiting: ${status.reason.message}` : status.kind),
});

async function ask(): Promise<void> {
  for (let number = 1; number <= questions; number++) {
    await session.send(answering.agent_address, `question ${number}`);
    await pause(pauseMs);
  }
}

async function count(): Promise<number> {
  let answers = 0;
  for await (const message of session.messages()) {
    answers++;
    if (message.content !== `question ${answers} is heard`) throw new Error(`out of order: ${message.content}`);
    if (answers % 10 === 0) console.log(`${answers} answers`);
    if (answers < questions) continue;
    message.ack();
    break;
  }
  return answers;
}

try {
  const [answers] = await Promise.all([count(), ask()]);
  console.log(`${questions} questions, ${answers} answers, each once and in order`);
} finally {
  session.close();
  agent.kill();
}
