// Old events are archived while the server is killed again and again: the log is whole after every kill, and each message that
// was acknowledged has its event, once.
//
//   RETENTION_KILLS=200 npm run test:crash -- retention      the long form

import assert from 'node:assert/strict';
import { existsSync, type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../fuzz/random.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';
import { wholeLog } from '../server/whole-log.js';

const kills = Number(process.env.RETENTION_KILLS ?? 20);
const seed = Number(process.env.RETENTION_SEED ?? Date.now() % 1_000_000);
const AGENTS = 4;
const SENDERS = 8;
/** A life that archives nothing within it is ended all the same. */
const LIFE_MS_MAX = 2_500;
const LIFE_MS_MIN = 50;

const SETTINGS = {
  'event_log.retention_bytes': 30_000,
  'journal.apply_after_ms': 5,
  'messaging.inbox_messages_max': 1_000_000,
  'log.level': 'warn',
};

/** Sends and takes as fast as it is answered, through every life of the server. */
class Load {
  readonly acknowledged: string[] = [];
  #isOver = false;
  readonly #api: TroupeApi;
  readonly #running: Promise<unknown>;

  constructor(api: TroupeApi, agents: readonly Agent[]) {
    this.#api = api;
    this.#running = Promise.all(
      Array.from({ length: SENDERS }, (_, place) => this.#send(agents[place % AGENTS]!, agents[(place + 1) % AGENTS]!)),
    );
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #send(from: Agent, to: Agent): Promise<void> {
    for (let sent = 0; !this.#isOver; sent++) {
      try {
        const path = '/v1/messages';
        const body = { to: to.agent_address, content: 'x'.repeat(200) };
        const answer = await this.#api.send({ method: 'POST', path, as: from.agent_token, body });
        if (answer.status === 202)
          this.acknowledged.push((JSON.parse(answer.text) as { message_id: string }).message_id);
        if (sent % 8 === 0) await this.#api.send({ path: `${path}?limit=100`, as: to.agent_token });
      } catch {
        // The server was killed: what was asked for may have happened or not.
        await pause(20);
      }
    }
  }
}

/** Resolves when a new archive has its name: its events are in the tables still, or are just being taken out. */
function nextArchive(directory: string): { readonly came: Promise<void>; readonly watcher: FSWatcher } {
  let watcher!: FSWatcher;
  const came = new Promise<void>((resolve) => {
    watcher = watch(directory, (_, name) => {
      if (name?.endsWith('.gz') === true && existsSync(join(directory, name))) resolve();
    });
  });
  return { came, watcher };
}

test(`the log is whole, in archives and tables, after each of ${kills} kills while it is archived`, async () => {
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const server = await ServerProcess.start(SETTINGS);
  const api = new TroupeApi(() => server.port);
  try {
    const agents = await Promise.all(Array.from({ length: AGENTS }, () => api.agent()));
    const archives = join(server.dataDirectory, 'archive');
    mkdirSync(archives, { recursive: true });
    const load = new Load(api, agents);
    let unfinished = 0;
    for (let kill = 0; kill < kills; kill++) {
      const { came, watcher } = nextArchive(archives);
      // Half of the kills strike when a file has just got its name, the others at any time.
      const lifeMs = LIFE_MS_MIN + random.below(LIFE_MS_MAX - LIFE_MS_MIN);
      await (kill % 2 === 0 ? Promise.race([came, pause(LIFE_MS_MAX)]) : pause(lifeMs));
      await server.kill();
      watcher.close();
      const { findings, trimmed, archived } = await wholeLog(server.dataDirectory);
      assert.deepEqual(findings, [], `after kill ${kill + 1}, seed ${seed}`);
      if (archived > trimmed) unfinished++;
      await server.startAgain();
    }
    await load.end();
    await server.stop();
    const { files, trimmed } = await wholeLog(server.dataDirectory);
    const checked = await runTroupe(['check', server.dataDirectory]);
    assert.equal(checked.code, 0, checked.stdout);
    const { stdout } = await runTroupe(['events', 'export', server.dataDirectory]);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; type: string; data: { message_id: string } });
    events.forEach(({ seq }, place) => {
      assert.equal(seq, place + 1);
    });
    const sent = events.filter(({ type }) => type === 'message_sent').map(({ data }) => data.message_id);
    const ids = new Set(sent);
    assert.equal(ids.size, sent.length, 'a message has two events');
    assert.deepEqual(
      load.acknowledged.filter((id) => !ids.has(id)),
      [],
      'acknowledged, and without an event',
    );
    console.log(
      `seed ${seed}: ${kills} kills, ${unfinished} between file and tables; ${load.acknowledged.length} messages ` +
        `acknowledged, ${events.length} events, ${trimmed} of them in ${files} archives`,
    );
    assert.ok(files >= kills / 4, `only ${files} archives were written`);
    assert.ok(unfinished > 0, 'no kill struck between a file and the tables');
  } finally {
    api.close();
    await server.dispose();
  }
});
