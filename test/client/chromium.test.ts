// The client in a page of a real browser: as bundled for pages, loaded from another origin than the server's.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type AgentSession, connect } from '../../src/client/node.js';
import { LISTENERS } from '../server/on-both-listeners.js';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';
import { bundle } from './bundle.js';
import { NO_CHROMIUM, type OpenPage, openPage } from './chromium.js';
import { Relay } from './relay.js';
import { ScriptedServer, TOKEN } from './scripted-server.js';

const TIMEOUT_MS = 240_000;

/** What the page has: the client, and the session that a test has opened in it. */
interface PageGlobals {
  readonly troupe: { readonly connect: typeof connect };
  agent: AgentSession;
  seen: string[];
}

describe('in Chromium', { skip: NO_CHROMIUM, timeout: TIMEOUT_MS }, () => {
  let pages: Server;
  let browser: OpenPage;
  let page: Page;

  before(async () => {
    const { text } = await bundle('*');
    const html =
      '<!doctype html><script type="module">import * as c from "/client.js"; globalThis.troupe = c;</script>';
    pages = createServer(({ url }, response) => {
      const isScript = url === '/client.js';
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html').end(isScript ? text : html);
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    browser = await openPage(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
    page = browser.page;
    await page.waitForFunction(() => 'troupe' in globalThis);
  });

  after(async () => {
    await browser?.close();
    pages?.close();
  });

  test('resumes after its connection is cut, and ends when it is replaced', async () => {
    const server = await ScriptedServer.start();
    try {
      const opened = page.evaluate(
        async ([url, token]) => {
          const here = globalThis as unknown as PageGlobals;
          here.seen = [];
          here.agent = await here.troupe.connect(url, { token });
          const read = async (): Promise<void> => {
            for await (const { content } of here.agent.messages()) here.seen.push(content);
          };
          read().catch((error: { readonly code: string }) => here.seen.push(error.code));
        },
        [server.url, TOKEN] as const,
      );
      const first = await server.peer();
      await first.welcome();
      await opened;
      first.message(1);
      assert.equal((await first.frame('ack')).seq, 1);
      first.cut();
      const second = await server.peer();
      assert.deepEqual(await second.welcome(), { type: 'hello', epoch: 'first', last_seq: 1 });
      assert.equal((await second.frame('ack')).seq, 1);
      second.message(1);
      second.message(2);
      assert.equal((await second.frame('ack')).seq, 1, 'the repeat was not handed out');
      assert.equal((await second.frame('ack')).seq, 2);
      second.close(4001);
      await page.waitForFunction(() => (globalThis as unknown as PageGlobals).seen.length === 3);
      const seen = await page.evaluate(() => (globalThis as unknown as PageGlobals).seen);
      assert.deepEqual(seen, ['content 1', 'content 2', 'replaced']);
    } finally {
      server.close();
    }
  });

  for (const listener of LISTENERS) {
    test(`answers every message once, though the server is killed and started again (${listener})`, async () => {
      const server = await ServerProcess.start({ 'http.listener': listener });
      const api = new TroupeApi(() => server.port);
      const relay = await Relay.start(server.port);
      try {
        const [asker, answerer] = [await api.agent(), await api.agent()];
        await page.evaluate(
          async ([url, token]) => {
            const here = globalThis as unknown as PageGlobals;
            here.agent = await here.troupe.connect(url, { token });
            const echo = async (): Promise<void> => {
              for await (const { from, content } of here.agent.messages())
                await here.agent.send(from, `re: ${content}`);
            };
            void echo();
          },
          [relay.url, answerer.agent_token] as const,
        );
        const agent = await connect(relay.url, { token: asker.agent_token });
        const expected = Array.from({ length: 30 }, (_, number) => `re: ${number}`);
        const answers: string[] = [];
        const reading = (async () => {
          for await (const message of agent.messages()) {
            answers.push(message.content);
            message.ack();
            if (answers.length === expected.length) return;
          }
        })();
        for (let number = 0; number < expected.length; number++) {
          const sending = agent.send(answerer.agent_address, String(number));
          if (number === 15) {
            await server.kill();
            await server.startAgain();
            relay.port = server.port;
          }
          await sending;
        }
        await reading;
        assert.deepEqual(answers, expected);
        agent.close();
        await page.evaluate(() => (globalThis as unknown as PageGlobals).agent.close());
      } finally {
        api.close();
        relay.close();
        await server.dispose();
      }
    });
  }
});
