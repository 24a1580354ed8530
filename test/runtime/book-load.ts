// A load of books on real threads, and what became of each ask of it.

import { type ActorSystem, CodedError } from '../../src/index.js';
import { book } from './guarantee-kinds.js';
import type { Added } from './guarantee-system.js';

/** Asks of one book that are open at once. */
const AT_ONCE = 8;
/** Between two asks of one caller: a load under which a worker can start. */
const PAUSE_MS = 4;

export type BookMessage = 'add' | 'addSlowly' | 'fail' | 'failSlowly';

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** Adds items to books until stop() is called. Each item is asked for once. */
export class BookLoad {
  readonly added: Added[] = [];
  readonly #system: ActorSystem;
  readonly #message: (item: number) => BookMessage;
  readonly #running: Promise<unknown>;
  #acknowledged = 0;
  #items = 0;
  #isOver = false;

  constructor(system: ActorSystem, keys: readonly string[], message: (item: number) => BookMessage) {
    this.#system = system;
    this.#message = message;
    this.#running = Promise.all(keys.flatMap((key) => Array.from({ length: AT_ONCE }, () => this.#add(key))));
  }

  /** So many more were acknowledged. */
  async more(count: number): Promise<void> {
    const enough = this.#acknowledged + count;
    while (this.#acknowledged < enough) await Promise.race([pause(), this.#running]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #add(key: string): Promise<void> {
    while (!this.#isOver) {
      const item = ++this.#items;
      try {
        this.added.push({ key, item, answer: await this.#system.ref(book, key).ask(this.#message(item), item) });
        this.#acknowledged++;
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.added.push({ key, item, answer: error.code });
      }
      await pause();
    }
  }
}
