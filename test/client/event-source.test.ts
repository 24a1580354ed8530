// Server-sent events in a real browser: its own EventSource, in a page of another origin, over each listener.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { SSE_PATH } from '../../src/contract/observe.js';
import { until } from '../server/expectations.js';
import { LISTENERS } from '../server/on-both-listeners.js';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';
import { NO_CHROMIUM, type OpenPage, openPage } from './chromium.js';
import { Relay } from './relay.js';

const TIMEOUT_MS = 120_000;

interface PageGlobals {
  source: { onmessage: (message: { data: string }) => void; onopen: () => void };
  readonly EventSource: new (url: string) => PageGlobals['source'];
  seen: number[];
  opened: number;
}

describe('EventSource in Chromium', { skip: NO_CHROMIUM, timeout: TIMEOUT_MS }, () => {
  let pages: Server;
  let browser: OpenPage;

  before(async () => {
    pages = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>of another origin</title>');
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    browser = await openPage(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  });

  after(async () => {
    await browser?.close();
    pages?.close();
  });

  for (const listener of LISTENERS) {
    test(`sees everything once, also when its connection is cut (${listener})`, async () => {
      const server = await ServerProcess.start({ 'http.listener': listener, 'observe.requests_per_min': 0 });
      const api = new TroupeApi(() => server.port);
      const relay = await Relay.start(server.port);
      try {
        const agent = await api.agent();
        const url = `${relay.url}${SSE_PATH}`;
        await browser.page.evaluate((address) => {
          const here = globalThis as unknown as PageGlobals;
          here.seen = [];
          here.opened = 0;
          here.source = new here.EventSource(address);
          here.source.onopen = () => {
            here.opened += 1;
          };
          here.source.onmessage = ({ data }) => here.seen.push((JSON.parse(data) as { seq: number }).seq);
        }, url);
        const seen = () => browser.page.evaluate(() => (globalThis as unknown as PageGlobals).seen);
        const opened = () => browser.page.evaluate(() => (globalThis as unknown as PageGlobals).opened);
        await until('it is open', async () => (await opened()) === 1);
        assert.equal((await api.put(agent, 'first', 'x')).status, 200);
        await until('it has seen one', async () => (await seen()).length === 1);
        for (let cut = 0; cut < 3; cut++) {
          relay.cut();
          for (let i = 0; i < 5; i++) assert.equal((await api.put(agent, `key-${cut}`, `${i}`)).status, 200);
          await until('it has come again', async () => (await opened()) === cut + 2);
          await until('it has seen all', async () => (await seen()).length === 1 + (cut + 1) * 5);
        }
        const seqs = await seen();
        assert.deepEqual(
          seqs,
          seqs.map((_, at) => seqs[0]! + at),
        );
      } finally {
        relay.close();
        api.close();
        await server.dispose();
      }
    });
  }
});
