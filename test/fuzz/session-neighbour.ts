// Session neighbour
//
// Two agents that write to each other over sessions of their own, in turn, while others do what they like: they must never
// notice.
//
// B1. Each message arrives once, in order, by seq; neither session ends.
// B2. How long one message takes, from its sending to its arrival at the other, is kept.

import WebSocket from 'ws';
import { LatencyRecorder, type LatencySummary } from '../../bench/harness/latency.js';
import { SESSION_PATH, SUBPROTOCOL_JSON } from '../../src/contract/session.js';
import type { Agent } from '../server/troupe-api.js';

/** Between a message that arrived and the next one: they are to be disturbed, and not to disturb. */
const PAUSE_MS = 5;

interface Side {
  readonly agent: Agent;
  readonly socket: WebSocket;
  lastSeq: number;
}

export class SessionNeighbours {
  readonly #sides: readonly Side[];
  readonly #latency = new LatencyRecorder();
  readonly #faults: string[] = [];
  #exchanged = 0;
  #sentAt = 0;
  #leaving = false;

  private constructor(sides: readonly Side[]) {
    this.#sides = sides;
  }

  static async open(port: number, agents: readonly [Agent, Agent]): Promise<SessionNeighbours> {
    const sides = agents.map((agent) => {
      const headers = { authorization: `Bearer ${agent.agent_token}` };
      const url = `ws://127.0.0.1:${port}${SESSION_PATH}`;
      return { agent, socket: new WebSocket(url, SUBPROTOCOL_JSON, { headers, perMessageDeflate: false }), lastSeq: 0 };
    });
    const neighbours = new SessionNeighbours(sides);
    await Promise.all(sides.map((side, place) => neighbours.#begin(side, sides[1 - place]!)));
    neighbours.#say(sides[0]!, sides[1]!);
    return neighbours;
  }

  /** What was wrong until now; empty when nothing was. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  get exchanged(): number {
    return this.#exchanged;
  }

  get latency(): LatencySummary {
    return this.#latency.summary();
  }

  close(): void {
    this.#leaving = true;
    for (const { socket } of this.#sides) socket.close(1000);
  }

  #begin(side: Side, other: Side): Promise<void> {
    const { socket } = side;
    return new Promise((resolve, reject) => {
      socket.on('open', () => socket.send(JSON.stringify({ type: 'hello' })));
      socket.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>;
        if (frame.type === 'welcome') resolve();
        else if (frame.type === 'message') this.#arrived(side, other, frame);
        else if (frame.type !== 'ok') this.#faults.push(`it was told ${data.toString('utf8')}`);
      });
      socket.on('error', reject);
      socket.on('close', (code) => {
        if (!this.#leaving) this.#faults.push(`its session was closed with ${code}`);
      });
    });
  }

  #say(from: Side, to: Side): void {
    this.#sentAt = performance.now();
    const frame = { type: 'send', id: this.#exchanged, to: to.agent.agent_address, content: `${this.#exchanged}` };
    from.socket.send(JSON.stringify(frame));
  }

  #arrived(side: Side, other: Side, { seq, content, redelivered }: Readonly<Record<string, unknown>>): void {
    this.#latency.record(performance.now() - this.#sentAt);
    if (seq !== side.lastSeq + 1 || content !== `${this.#exchanged}` || redelivered !== false) {
      this.#faults.push(`message ${this.#exchanged} came as seq ${seq} after ${side.lastSeq}, saying ${content}`);
    }
    side.lastSeq = Number(seq);
    this.#exchanged++;
    side.socket.send(JSON.stringify({ type: 'ack', seq }));
    setTimeout(() => {
      if (!this.#leaving) this.#say(side, other);
    }, PAUSE_MS);
  }
}
