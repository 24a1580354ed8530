// Raw undici
//
// The floor of the bench of webhooks: the same bodies by the same library to the same receiver, as many at once, with nothing
// before them.

import { Pool } from 'undici';

export class RawUndici {
  readonly #pool: Pool;
  readonly #connections: number;
  #sent = 0;

  constructor(origin: string, connections: number) {
    this.#connections = connections;
    this.#pool = new Pool(origin, { connections, pipelining: 1 });
  }

  /** Resolves when all were answered. */
  async post(count: number, body: string): Promise<void> {
    let left = count;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left--;
        const headers = { 'content-type': 'application/json', 'webhook-id': `raw-${++this.#sent}` };
        const answer = await this.#pool.request({ method: 'POST', path: '/', headers, body });
        await answer.body.dump();
      }
    };
    await Promise.all(Array.from({ length: this.#connections }, one));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
