// Inbox puller
//
// Several clients that pull the inboxes of many agents, one after the other, and count what they get.
//
// P1. Each agent's inbox is pulled by one request at a time, in the order of the agents.
// P2. A pull that is answered by anything but 200 ends the run.

import { Agent as ConnectionPool, get } from 'node:http';
import type { SyntheticAgent } from './synthetic-data.js';

const CLIENTS = 8;

export class InboxPuller {
  readonly #pool = new ConnectionPool({ keepAlive: true, maxSockets: CLIENTS });
  readonly #url: () => string;
  readonly #agents: readonly SyntheticAgent[];
  #next = 0;
  /** Messages got so far. */
  pulled = 0;

  constructor(url: () => string, agents: readonly SyntheticAgent[]) {
    this.#url = url;
    this.#agents = agents;
  }

  /** Asks every agent's inbox for `limit` messages, until all were asked or the time is over; how many came. */
  async pull(limit: number, budgetMs = Number.POSITIVE_INFINITY): Promise<number> {
    const [before, deadline] = [this.pulled, performance.now() + budgetMs];
    const client = async (): Promise<void> => {
      while (this.#next < this.#agents.length && performance.now() < deadline) {
        const { token } = this.#agents[this.#next++]!;
        const got = await this.#take(token, limit);
        this.pulled += got;
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return this.pulled - before;
  }

  /** Begins with the first agent again. */
  rewind(): void {
    this.#next = 0;
  }

  close(): void {
    this.#pool.destroy();
  }

  #take(token: string, limit: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = get(`${this.#url()}/v1/messages?limit=${limit}`, { agent: this.#pool, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (response.statusCode === 200) resolve((JSON.parse(text) as { messages: unknown[] }).messages.length);
          else reject(new Error(`A pull was answered ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      });
      request.on('error', reject);
    });
  }
}
