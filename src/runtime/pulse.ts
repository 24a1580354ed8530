// Pulse
//
// How a worker shows, without saying anything, that its turns come to an end: two numbers in shared memory, written by it
// at every turn and looked at by the watchdog.
//
// PU1. A turn costs one store; nobody waits for anybody.

const TICKING = 0;
const TURNS = 1;

export class Pulse {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    this.#numbers = new Int32Array(this.memory);
  }

  /** The worker runs turns now, and is not in its event loop. */
  get isTicking(): boolean {
    return this.#numbers[TICKING] === 1;
  }

  /** Turns begun, in 32 bits. */
  get turns(): number {
    return this.#numbers[TURNS]!;
  }

  beginTick(): void {
    this.#numbers[TICKING] = 1;
  }

  endTick(): void {
    this.#numbers[TICKING] = 0;
  }

  beginTurn(): void {
    this.#numbers[TURNS]!++;
  }
}
