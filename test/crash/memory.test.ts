// The promise of the memory API: what was acknowledged is there, once, and what is deleted stays so, on a server that is
// killed again and again while it takes, compiles, imports and deletes.
//
//   MEMORY_KILLS=50 node dist/test/run.js --only crash/memory     the long form

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportDocument } from '../../src/actors/subject/portable.js';
import type { JsonObject } from '../../src/actors/subject/records.js';
import { newId } from '../../src/ids.js';
import { Random } from '../fuzz/random.js';
import { until } from '../server/expectations.js';
import { episode, MemoryApi } from '../server/memory-api.js';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';
import { MemoryLedger } from './memory-ledger.js';

const kills = Number(process.env.MEMORY_KILLS ?? 20);
const seed = Number(process.env.MEMORY_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 8;
/** Answers of one life, before it ends. */
const ANSWERS_MIN = 8;
const ANSWERS_MAX = 60;
const BATCH_MAX = 20;
/** Episodes of one document: several parts of an import. */
const IMPORTED = 700;

interface Life {
  answers: number;
  isOver: boolean;
}

class Client {
  readonly ledger: MemoryLedger;
  /** Of a subject that is only imported and deleted. */
  readonly imports: MemoryLedger;
  readonly #admin: MemoryApi;
  readonly #memory: MemoryApi;
  readonly #random: Random;
  readonly #id: string;
  #texts = 0;
  /** Jobs that were promised and not seen at their end. */
  jobs: string[] = [];
  acknowledged = 0;

  constructor(id: number, memory: MemoryApi, adminToken: string) {
    this.#id = `c${id}`;
    this.ledger = new MemoryLedger(`subject ${id}`);
    this.#memory = memory.ofTenant(`tenant ${id % 3}`.replace(' ', '-'));
    this.imports = new MemoryLedger(`import ${id}`);
    this.#admin = this.#memory.as({ authorization: `Bearer ${adminToken}` });
    this.#random = new Random(seed + id);
  }

  /** Works until the server does not answer any more. */
  async work(life: Life): Promise<void> {
    while (!life.isOver && (await this.#act())) {
      life.answers++;
      this.acknowledged++;
    }
  }

  /** False when it was not answered. */
  async #act(): Promise<boolean> {
    const subject_id = this.ledger.subject;
    const dice = this.#random.below(100);
    if (dice < 70) {
      const texts = Array.from({ length: 1 + this.#random.below(BATCH_MAX) }, () => this.#text());
      const episodes = texts.map((text) => episode(subject_id, text, { idempotency_key: text }));
      const answer = await this.#ask('POST', '/v1/episodes/batch', { episodes }, 201);
      this.ledger.told(texts, answer !== undefined);
      return answer !== undefined;
    }
    if (dice < 82) {
      const answer = await this.#ask('POST', '/v1/memories/compile', { subject_id }, 200);
      if (answer !== undefined) this.ledger.compiled();
      return answer !== undefined;
    }
    if (dice < 86) return this.#import();
    if (dice < 93) {
      const answer = await this.#ask('POST', '/v1/memories/compile', { subject_id, async: true }, 202);
      if (answer !== undefined) this.jobs.push(String((answer as { job_id: string }).job_id));
      return answer !== undefined;
    }
    const answer = await this.#ask('DELETE', `/v1/subjects/${encodeURIComponent(subject_id)}`, undefined, 200);
    this.ledger.deleted(answer !== undefined);
    // Whatever became of the delete: what is not found now is the deleted subject's.
    this.jobs = [];
    return answer !== undefined;
  }

  /** A document of a few parts, in the place of what was there. */
  async #import(): Promise<boolean> {
    const { subject } = this.imports;
    const removed = await this.#ask('DELETE', `/v1/subjects/${encodeURIComponent(subject)}`, undefined, 200);
    this.imports.deleted(removed !== undefined);
    if (removed === undefined) return false;
    const texts = Array.from({ length: IMPORTED }, () => this.#text());
    const at = new Date().toISOString();
    const episodes = texts.map((text) => ({
      ...(episode(subject, text) as JsonObject),
      id: newId(),
      metadata: {},
      provenance: {},
      session_id: null,
      created_at: at,
    }));
    const document = exportDocument(subject, { episodes, memories: [], resolutions: [] }, at);
    const answer = await this.#ask('POST', '/admin/import', document, 200, this.#admin);
    this.imports.told(texts, answer !== undefined);
    return answer !== undefined;
  }

  async check(): Promise<string[]> {
    for (const job of this.jobs) {
      await until(`the job ${job} is done`, async () => {
        const answer = await this.#memory.send('GET', `/v1/memories/compile/${job}`);
        assert.equal(answer.status, 200, `the job ${job} is lost: ${answer.text}`);
        return (JSON.parse(answer.text) as { status: string }).status === 'completed';
      });
    }
    this.jobs = [];
    const found: string[] = [];
    for (const ledger of [this.ledger, this.imports]) {
      const findings = ledger.findings(await this.#memory.timeline(ledger.subject));
      found.push(...findings.map((finding) => `${ledger.subject}: ${finding}`));
    }
    return found;
  }

  #text(): string {
    return `${this.#id} says number ${this.#texts++} on day ${this.#random.below(1_000_000)}`;
  }

  async #ask(
    method: string,
    path: string,
    body: unknown,
    status: number,
    memory: MemoryApi = this.#memory,
  ): Promise<unknown> {
    const answer = await memory.send(method, path, body).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return undefined;
    assert.equal(answer.status, status, answer.text);
    return JSON.parse(answer.text);
  }
}

test(`keeps what was acknowledged, and brings nothing back, through ${kills} kills`, async () => {
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const server = await ServerProcess.start({ workers: 2, 'journal.apply_after_ms': 5 });
  const api = new TroupeApi(() => server.port);
  try {
    const adminToken = await server.adminToken();
    const clients = Array.from({ length: CLIENTS }, (_, id) => new Client(id, new MemoryApi(api), adminToken));
    const findings: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const life: Life = { answers: 0, isOver: false };
      const answers = ANSWERS_MIN + random.below(ANSWERS_MAX - ANSWERS_MIN);
      const work = Promise.all(clients.map((client) => client.work(life)));
      await until('there are answers', () => life.answers >= answers);
      await server.kill();
      life.isOver = true;
      await work;
      await server.startAgain();
      for (const client of clients) findings.push(...(await client.check()));
      assert.deepEqual(findings, [], `after kill ${kill + 1}`);
    }
    const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged, 0);
    console.log(`seed ${seed}: ${acknowledged} answers, ${kills} kills`);
    assert.ok(acknowledged >= kills * ANSWERS_MIN);
    await server.stop();
    const check = await runTroupe(['check', server.dataDirectory]);
    assert.equal(check.code, 0, check.stdout + check.stderr);
  } finally {
    api.close();
    await server.dispose();
  }
});
