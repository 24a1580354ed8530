// Half-open connections
//
// Many connections that begin a request and never finish it: what a broken client does, or one that means harm.
//
// H1. `connections` are opened, `opensPerSecond` of them at a time; from then on `churnPerSecond` of the oldest are given up
//     for new ones, and one that the server ended is opened again within the same pace.

import { connect, type Socket } from 'node:net';

export interface HalfOpenPlan {
  readonly port: number;
  readonly connections: number;
  readonly opensPerSecond: number;
  readonly churnPerSecond: number;
  readonly durationMs: number;
  /** What each connection sends, once. */
  readonly beginning: string;
}

export interface HalfOpenResult {
  readonly opened: number;
  /** Open at the end. */
  readonly held: number;
  /** By the status of the answer that came before the connection was ended; `none` without one. */
  readonly ended: Readonly<Record<string, number>>;
}

const TICK_MS = 10;

/** Resolves with the connections closed. */
export function runHalfOpen(plan: HalfOpenPlan): Promise<HalfOpenResult> {
  const beginning = Buffer.from(plan.beginning);
  const open = new Set<Socket>();
  const ended: Record<string, number> = {};
  let opened = 0;
  const add = (): void => {
    const socket = connect({ port: plan.port, host: '127.0.0.1' });
    let status = 'none';
    opened++;
    open.add(socket);
    socket.on('connect', () => socket.write(beginning));
    socket.on('data', (chunk: Buffer) => {
      status = chunk.toString('latin1', 9, 12);
      socket.destroy();
    });
    // The close that follows tells it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (open.delete(socket)) ended[status] = (ended[status] ?? 0) + 1;
    });
  };
  const startedAt = performance.now();
  let filledAt: number | undefined;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const sinceMs = performance.now() - startedAt;
      const churnMs = filledAt === undefined ? 0 : sinceMs - filledAt;
      const due = filledAt === undefined ? sinceMs * plan.opensPerSecond : churnMs * plan.churnPerSecond;
      const wanted = due / 1000 + (filledAt === undefined ? 0 : plan.connections);
      for (; opened < wanted && (filledAt !== undefined || opened < plan.connections); add()) {
        if (open.size >= plan.connections) giveUpOldest(open);
      }
      if (opened >= plan.connections) filledAt ??= sinceMs;
      if (sinceMs < plan.durationMs) return;
      clearInterval(timer);
      const result = { opened, held: open.size, ended };
      const left = [...open];
      open.clear();
      for (const socket of left) socket.destroy();
      resolve(result);
    }, TICK_MS);
  });
}

function giveUpOldest(open: Set<Socket>): void {
  for (const socket of open) {
    open.delete(socket);
    socket.destroy();
    return;
  }
}
