// Contender
//
// One actor library, or none, set to the same four tasks. Each is done with the library's own means, as its own
// documentation writes them, and each ends when all of it was handled.
//
// CO1. What was done is counted by whoever handled it, in its own state, and asked for afterwards.

export interface Done {
  readonly operations: number;
  readonly elapsedMs: number;
}

/**
 * tell:            an actor tells another to count.
 * ask:             an actor's answer is awaited, 64 at a time.
 * ping-pong:       two actors tell each other, a round trip counts once.
 * spawn and stop:  an actor is made, handles one message and ends.
 */
export const TASKS = ['tell', 'ask', 'ping-pong', 'spawn and stop'] as const;
export type Task = (typeof TASKS)[number];

/** Messages, round trips or lives between two looks at the time. */
export const CHUNK = 512;
/** Asks that wait for an answer at the same time. */
export const ASKS_WAITING = 64;

export interface Contender {
  readonly name: string;
  /** Works for about `budgetMs`. A task that the library has no means for is absent. */
  readonly runs: { readonly [T in Task]?: (budgetMs: number) => Promise<Done> };
  /** How often the far end of a task was reached, since the start. */
  count(task: Task): Promise<number>;
  close(): Promise<void>;
}

/** Does a task in chunks until the budget is spent. */
export function inChunks(chunk: (count: number) => Promise<void>): (budgetMs: number) => Promise<Done> {
  return async (budgetMs) => {
    const startedAt = performance.now();
    let operations = 0;
    let now = startedAt;
    while (now - startedAt < budgetMs) {
      await chunk(CHUNK);
      operations += CHUNK;
      now = performance.now();
    }
    return { operations, elapsedMs: now - startedAt };
  };
}

/** The same for chunks that something else ends, by calling `done`. */
export function driven(begin: (count: number, done: () => void) => void): (budgetMs: number) => Promise<Done> {
  return inChunks((count) => new Promise((resolve) => begin(count, resolve)));
}

/** Asks so often, ASKS_WAITING at a time. */
export async function askInTurn(count: number, ask: () => PromiseLike<unknown>): Promise<void> {
  for (let asked = 0; asked < count; asked += ASKS_WAITING) {
    await Promise.all(Array.from({ length: ASKS_WAITING }, ask));
  }
}
