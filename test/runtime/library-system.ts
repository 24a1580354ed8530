// Systems of the library for its tests: each with a directory of its own, ended and removed behind the tests.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActorSystem, CodedError, createSystem, type SystemOptions } from '../../src/index.js';
import { silentLog } from '../../src/log.js';

export const KINDS = new URL('./library-kinds.js', import.meta.url);
const DEADLINE_MS = 10_000;

const running = new Set<ActorSystem>();
const roots: string[] = [];

export function directory(): string {
  const root = mkdtempSync(join(tmpdir(), 'troupe-library-'));
  roots.push(root);
  return root;
}

export async function start(over: Partial<SystemOptions> = {}): Promise<ActorSystem> {
  const system = await createSystem({
    kinds: [KINDS],
    directory: directory(),
    workers: 2,
    log: silentLog,
    forceEncoding: true,
    ...over,
  });
  running.add(system);
  return system;
}

export async function stop(system: ActorSystem): Promise<void> {
  running.delete(system);
  await system.stop();
}

export function coded(code: string) {
  return (error: unknown): boolean => error instanceof CodedError && error.code === code;
}

export async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    assert.ok(Date.now() < deadline, `${what} did not come`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a failed test left running. */
export async function stopAll(): Promise<void> {
  for (const system of running) await stop(system);
}

export function removeDirectories(): void {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
}

/** One that was not started by start(). */
export function willStop(system: ActorSystem): ActorSystem {
  running.add(system);
  return system;
}
