// Serves the page of the fourth example, and uses it as a person would, in a browser where there is one.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { NO_CHROMIUM, openPage } from '../client/chromium.js';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';

const program = join(import.meta.dirname, '..', '..', 'examples', '04-browser-agent', 'server.js');

describe('the fourth example', { timeout: 180_000 }, () => {
  let child: ChildProcess;
  let url: string;

  before(async () => {
    child = spawn(process.execPath, [program], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout! })) {
      url = line;
      break;
    }
  });

  after(() => {
    child.kill('SIGKILL');
  });

  test('serves a page and the modules that it needs, and nothing else', async () => {
    const page = await (await fetch(url)).text();
    assert.match(page, /from '\/client\/browser\.js'/);
    const seen = new Set<string>();
    const load = async (name: string): Promise<void> => {
      if (seen.has(name)) return;
      seen.add(name);
      const answer = await fetch(`${url}/client/${name}`);
      assert.equal(answer.status, 200, name);
      assert.equal(answer.headers.get('content-type'), 'text/javascript');
      const text = await answer.text();
      for (const found of text.matchAll(/\bfrom '([^']+)'/g)) {
        assert.match(found[1]!, /^\.\/[a-z-]+\.js$/, name);
        await load(found[1]!.slice(2));
      }
    };
    await load('browser.js');
    assert.ok(seen.size > 10);
    for (const path of ['/client/', '/client/..%2fcli%2fmain.js', '/package.json']) {
      assert.equal((await fetch(url + path)).status, 404, path);
    }
  });

  test('its page receives and sends', { skip: NO_CHROMIUM }, async () => {
    const server = await ServerProcess.start();
    const api = new TroupeApi(() => server.port);
    const { page, close } = await openPage(url);
    try {
      const [ada, bob] = [await api.agent(), await api.agent()];
      await page.fill('[name=url]', server.url);
      await page.fill('[name=token]', ada.agent_token);
      await page.click('#open button');
      await page.waitForSelector(`text=${ada.agent_address}`);
      await api.message(bob, ada, 'Hello, page.');
      await page.waitForSelector('text=Hello, page.');
      await page.fill('[name=to]', bob.agent_address);
      await page.fill('[name=content]', 'Hello, Bob.');
      await page.click('#send button');
      await page.waitForSelector('li:has-text("Hello, Bob.")');
      const { messages } = await api.take(bob);
      assert.equal(messages[0]?.content, 'Hello, Bob.');
    } finally {
      await close();
      api.close();
      await server.dispose();
    }
  });
});
