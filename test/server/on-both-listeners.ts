// Each test of a file, once over each listener: one server process for each, for the whole file.

import { after, before, test } from 'node:test';
import { loadUws } from '../../src/transport/listener/uws-listener.js';
import { ServerProcess, type Settings } from './server-process.js';
import { TroupeApi } from './troupe-api.js';

export type ListenerName = 'uws' | 'node';

export interface Stage {
  readonly listener: ListenerName;
  readonly server: ServerProcess;
  readonly api: TroupeApi;
}

/** Where uWebSockets.js has no build for this system, that is no fault of the server: the other listener is tested. */
export const LISTENERS: readonly ListenerName[] = await loadUws().then(
  () => ['uws', 'node'] as const,
  () => ['node'] as const,
);

export type StageTest = (name: string, run: (stage: Stage) => Promise<void>) => void;

/** What registers the tests of a file. Called once, at its top. `engineFlags` are told to the Node of the servers. */
export function onBothListeners(settings: Settings = {}, engineFlags: readonly string[] = []): StageTest {
  const stages = new Map<ListenerName, Stage>();
  before(async () => {
    await Promise.all(
      LISTENERS.map(async (listener) => {
        const server = await ServerProcess.start({ ...settings, 'http.listener': listener }, engineFlags);
        stages.set(listener, { listener, server, api: new TroupeApi(() => server.port) });
      }),
    );
  });
  after(async () => {
    for (const { api, server } of stages.values()) {
      api.close();
      await server.dispose();
    }
  });
  return (name, run) => {
    for (const listener of LISTENERS) test(`${name} (${listener})`, () => run(stages.get(listener)!));
  };
}

/** For tests that end their servers: each has its own. `run` gets one, and it is cleaned up after it. */
export function onServersOfTheirOwn(settings: Settings = {}): StageTest {
  return (name, run) => {
    for (const listener of LISTENERS) {
      test(`${name} (${listener})`, async () => {
        const server = await ServerProcess.start({ ...settings, 'http.listener': listener });
        const api = new TroupeApi(() => server.port);
        try {
          await run({ listener, server, api });
        } finally {
          api.close();
          await server.dispose();
        }
      });
    }
  };
}
