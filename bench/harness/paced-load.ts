// Paced load
//
// Requests at a fixed rate over keep-alive connections, one under way on each: what a given number of clients do, however
// fast the server is. The load client beside it asks as fast as it is answered; this one asks when it is time.
//
// P1. A request is due at its place in time. When every connection is busy it waits, and that wait is part of its latency:
//     a server that stalls is not asked less, and its stall is not left out.
// P2. At most BACKLOG_MAX requests wait for a connection; what is due beyond that is counted as skipped, not sent.
// P3. A connection that the server ends is opened again; a request that it took with it is counted as lost.
// P4. Time begins when every connection is open, or OPEN_TIMEOUT_MS is over: no request waits for the load to get ready.
// P5. After the last request was sent, every answer is awaited for ANSWER_TIMEOUT_MS at most.

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { LatencyRecorder, type LatencySummary } from './latency.js';
import { AnswerReader, COUNTER_PLACE, type LoadRequest } from './load-client.js';

export interface PacedPlan {
  readonly port: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly durationMs: number;
  /** Taken in turn. */
  readonly requests: readonly LoadRequest[];
  /** The first number put in COUNTER_PLACE. */
  readonly counterFrom?: number;
}

export interface PacedResult {
  /** How many were answered with each status. */
  readonly answered: Readonly<Record<string, number>>;
  /** Ended without an answer. */
  readonly lost: number;
  /** Due, but not sent: too many waited already. */
  readonly skipped: number;
  readonly elapsedMs: number;
  /** Of all answers, from when they were due. */
  readonly latency: LatencySummary;
  /** One past the last number put in COUNTER_PLACE. */
  readonly counterTo: number;
}

const TICK_MS = 1;
const BACKLOG_MAX = 2_000;
const OPEN_TIMEOUT_MS = 1_000;
const ANSWER_TIMEOUT_MS = 15_000;
/** Before a connection that failed is opened again, so that a refusing server is not hammered with connections. */
const RECONNECT_MS = 20;

export async function runPaced(plan: PacedPlan): Promise<PacedResult> {
  return await new PacedRun(plan).run();
}

interface Template {
  readonly bytes: Buffer;
  readonly counterAt: number;
}

class PacedRun {
  readonly #plan: PacedPlan;
  readonly #templates: readonly Template[];
  readonly #lanes: Lane[];
  readonly #idle: Lane[] = [];
  readonly #latency = new LatencyRecorder();
  readonly #answered: Record<string, number> = {};
  /** When each request that waits for a connection was due. */
  #backlog: number[] = [];
  #sent = 0;
  #under = 0;
  #lost = 0;
  #skipped = 0;
  #turn = 0;
  #counter: number;
  #ended = false;

  constructor(plan: PacedPlan) {
    this.#plan = plan;
    this.#templates = plan.requests.map(({ head, body }) => {
      const bytes = Buffer.from(head + body);
      return { bytes, counterAt: bytes.indexOf(COUNTER_PLACE) };
    });
    this.#counter = plan.counterFrom ?? 0;
    this.#lanes = Array.from({ length: plan.connections }, () => new Lane(plan.port, this));
  }

  async run(): Promise<PacedResult> {
    for (const lane of this.#lanes) lane.open();
    const openBy = performance.now() + OPEN_TIMEOUT_MS;
    while (this.#idle.length < this.#lanes.length && performance.now() < openBy) await pause(TICK_MS);
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const sinceMs = performance.now() - startedAt;
        this.#sendDue(startedAt, Math.min(sinceMs, this.#plan.durationMs));
        const over = sinceMs >= this.#plan.durationMs;
        const late = sinceMs >= this.#plan.durationMs + ANSWER_TIMEOUT_MS;
        if (!late && (!over || this.#under > 0 || this.#backlog.length > 0)) return;
        clearInterval(timer);
        resolve();
      }, TICK_MS);
    });
    this.#ended = true;
    for (const lane of this.#lanes) lane.close();
    return {
      answered: this.#answered,
      lost: this.#lost + this.#under,
      skipped: this.#skipped + this.#backlog.length,
      elapsedMs: performance.now() - startedAt,
      latency: this.#latency.summary(),
      counterTo: this.#counter,
    };
  }

  #sendDue(startedAt: number, sinceMs: number): void {
    const due = Math.floor((sinceMs * this.#plan.perSecond) / 1000);
    for (; this.#sent < due; this.#sent++) {
      if (this.#backlog.length >= BACKLOG_MAX) this.#skipped++;
      else this.#backlog.push(startedAt + ((this.#sent + 1) * 1000) / this.#plan.perSecond);
    }
    while (this.#backlog.length > 0 && this.#idle.length > 0) this.#begin(this.#idle.pop()!);
  }

  #begin(lane: Lane): void {
    this.#under++;
    lane.send(this.#next(), this.#backlog.shift()!);
  }

  #next(): Buffer {
    const template = this.#templates[this.#turn++ % this.#templates.length]!;
    if (template.counterAt < 0) return template.bytes;
    const bytes = Buffer.from(template.bytes);
    bytes.write(String(this.#counter++).padStart(COUNTER_PLACE.length, '0'), template.counterAt, 'latin1');
    return bytes;
  }

  ready(lane: Lane): void {
    if (this.#ended) return;
    if (this.#backlog.length > 0) this.#begin(lane);
    else this.#idle.push(lane);
  }

  answered(status: number, dueAt: number): void {
    this.#under--;
    this.#latency.record(performance.now() - dueAt);
    this.#answered[status] = (this.#answered[status] ?? 0) + 1;
  }

  lost(): void {
    this.#under--;
    this.#lost++;
  }

  gone(lane: Lane): void {
    const place = this.#idle.indexOf(lane);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#ended) return;
    setTimeout(() => {
      if (!this.#ended) lane.open();
    }, RECONNECT_MS);
  }
}

/** One connection, and again another when it ends. */
class Lane {
  readonly #port: number;
  readonly #run: PacedRun;
  #socket: Socket | undefined;
  #dueAt: number | undefined;

  constructor(port: number, run: PacedRun) {
    this.#port = port;
    this.#run = run;
  }

  open(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const reader = new AnswerReader();
    this.#socket = socket;
    socket.on('connect', () => this.#run.ready(this));
    socket.on('data', (chunk) => this.#take(reader.push(chunk), reader.closes));
    // The close that follows tells it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#dueAt !== undefined) this.#run.lost();
      this.#dueAt = undefined;
      this.#run.gone(this);
    });
  }

  send(bytes: Buffer, dueAt: number): void {
    this.#dueAt = dueAt;
    this.#socket?.write(bytes);
  }

  close(): void {
    this.#dueAt = undefined;
    this.#socket?.destroy();
  }

  #take(status: number | null, closes: boolean): void {
    if (status === null || this.#dueAt === undefined) return;
    this.#run.answered(status, this.#dueAt);
    this.#dueAt = undefined;
    if (closes) this.#socket?.destroy();
    else this.#run.ready(this);
  }
}
