import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Listener, ListenerOptions } from '../../../src/transport/listener/listener.js';
import { openListener } from '../../../src/transport/listener/open-listener.js';

const options: ListenerOptions = {
  host: '127.0.0.1',
  port: 0,
  bodyBytesMax: 1000,
  bodyTimeoutMs: 1000,
  headTimeoutMs: 1000,
  idleTimeoutMs: 1000,
  connectionsMax: 10,
  onDefect: () => undefined,
};
const absent = (): Promise<Listener> => Promise.reject(new Error('no build for this system\n\nand a long story'));
const present = (): Promise<Listener> => Promise.resolve({ adapter: 'uws' } as Listener);
const silent = (): void => assert.fail('nothing is to be warned of');
const unasked = (): Promise<boolean> => assert.fail('the build was tried');
const OUTSIDE = { ...options, host: '0.0.0.0' };

describe('the choice of a listener', () => {
  it('auto takes uws on loopback where it loads, without a word, whatever the build does with a split line', async () => {
    for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost']) {
      const parts = { warn: silent, openUws: present, takesSplitLine: unasked };
      const listener = await openListener('auto', { ...options, host }, () => undefined, parts);
      assert.equal(listener.adapter, 'uws');
    }
  });

  it('auto takes uws on another address where its build takes a split request line', async () => {
    const parts = { warn: silent, openUws: present, takesSplitLine: () => Promise.resolve(true) };
    assert.equal((await openListener('auto', OUTSIDE, () => undefined, parts)).adapter, 'uws');
  });

  it('auto takes node on another address where the build refuses a split request line, with one line', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'host.example']) {
      const lines: string[] = [];
      const warn = (line: string): void => {
        lines.push(line);
      };
      const openUws = (): Promise<Listener> => assert.fail('uws was opened');
      const parts = { warn, openUws, takesSplitLine: () => Promise.resolve(false) };
      const listener = await openListener('auto', { ...options, host }, () => undefined, parts);
      assert.equal(listener.adapter, 'node');
      assert.equal(lines.length, 1);
      assert.match(lines[0] as string, /refuses a request line that arrives in two packets$/);
    }
  });

  it('auto takes node on another address where the build could not be tried, and says why', async () => {
    const lines: string[] = [];
    const warn = (line: string): void => {
      lines.push(line);
    };
    const takesSplitLine = (): Promise<boolean> => Promise.reject(new Error('it was not answered'));
    const parts = { warn, openUws: present, takesSplitLine };
    assert.equal((await openListener('auto', OUTSIDE, () => undefined, parts)).adapter, 'node');
    assert.deepEqual([lines.length, lines[0]?.endsWith('it was not answered')], [1, true]);
  });

  it('uws, asked for by name, is taken on any address without being tried', async () => {
    const parts = { warn: silent, openUws: present, takesSplitLine: unasked };
    assert.equal((await openListener('uws', OUTSIDE, () => undefined, parts)).adapter, 'uws');
  });

  it('auto takes node where uws does not load, with one line that says why', async () => {
    const lines: string[] = [];
    const warn = (line: string): void => {
      lines.push(line);
    };
    const listener = await openListener('auto', options, () => undefined, { warn, openUws: absent });
    assert.equal(listener.adapter, 'node');
    assert.equal(lines.length, 1);
    assert.match(lines[0] as string, /no build for this system$/);
  });

  it('uws, asked for by name, is an error where it does not load', async () => {
    await assert.rejects(
      openListener('uws', options, () => undefined, { warn: silent, openUws: absent }),
      /no build/,
    );
  });

  it('node, asked for by name, never tries uws', async () => {
    const openUws = (): Promise<Listener> => assert.fail('uws was tried');
    const listener = await openListener('node', options, () => undefined, { warn: silent, openUws });
    assert.equal(listener.adapter, 'node');
  });

  it('refuses to load uws off the main thread, where it would take the process down', async () => {
    const module = new URL('../../../src/transport/listener/uws-listener.js', import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then(m => m.loadUws()).then(() => 'loaded', e => e.message)
      .then(text => require('node:worker_threads').parentPort.postMessage(text))`;
    const worker = new Worker(code, { eval: true });
    const said = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    assert.match(String(said), /main thread only/);
  });
});
