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

describe('the choice of a listener', () => {
  it('auto takes uws where it loads, without a word', async () => {
    const listener = await openListener('auto', options, () => undefined, { warn: silent, openUws: present });
    assert.equal(listener.adapter, 'uws');
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
