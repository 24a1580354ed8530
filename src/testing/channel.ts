// Channel
//
// One direction between two threads, in one: batches wait in order until the scheduler lets one arrive.
//
// CH1. Batches arrive in the order in which they were posted.
// CH2. Nothing arrives before its reader is there, or after close(); what was posted is lost with it.

export class Channel {
  /** Of whom to whom, for the list of steps. */
  readonly name: string;
  #batches: ArrayBuffer[] = [];
  #read: ((batch: ArrayBuffer) => void) | undefined;
  #isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** As a MessagePort of a link. */
  postMessage(batch: unknown): void {
    if (!this.#isClosed) this.#batches.push(batch as ArrayBuffer);
  }

  /** The reader is there. */
  open(read: (batch: ArrayBuffer) => void): void {
    this.#read = read;
  }

  get hasArrival(): boolean {
    return this.#read !== undefined && this.#batches.length > 0;
  }

  /** Lets the next batch arrive. */
  arrive(): void {
    const batch = this.#batches.shift();
    if (batch !== undefined) this.#read?.(batch);
  }

  close(): void {
    this.#isClosed = true;
    this.#read = undefined;
    this.#batches = [];
  }
}
