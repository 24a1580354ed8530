// Client handle
//
// The play's end of a client process: orders in, answers out.
//
// H1. Orders are answered one at a time, in order. A client that fails, or ends, fails the order under way or the next.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClientAnswer, ClientOrder } from './client-process.js';

export class ClientHandle {
  readonly #child: ChildProcess;
  #failure: Error | null = null;
  #waiting: { resolve: (answer: ClientAnswer) => void; reject: (error: Error) => void } | null = null;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'client-process.js'), { stdio: 'inherit' });
    this.#child.on('message', (answer: ClientAnswer) => this.#heard(answer));
    this.#child.on('exit', (code) => this.#fail(new Error(`A client process ended by itself (exit code ${code})`)));
  }

  /** The failure of a client that has one, so that a play need not wait for its next order (H1). */
  get failure(): Error | null {
    return this.#failure;
  }

  async order(order: ClientOrder): Promise<ClientAnswer> {
    if (this.#failure !== null) throw this.#failure;
    return await new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(order);
    });
  }

  async dispose(): Promise<void> {
    this.#child.removeAllListeners('exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #heard(answer: ClientAnswer): void {
    if (answer.kind === 'failed') {
      this.#fail(new Error(answer.reason));
      return;
    }
    this.#waiting?.resolve(answer);
    this.#waiting = null;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }
}
