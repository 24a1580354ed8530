// Upgrade pace
//
// After a restart thousands of handshakes can lie in the sockets at once, and each costs more than most requests. So that
// whoever asks meanwhile waits for some of them and not for all, a turn of the loop answers only so many: the others wait
// in the order in which they came.
//
// Owns:     when an upgrade request is answered.
// Does not: answer it, or know whether its peer is still there. As many wait as there are connections, which are bounded.
//
// UP1. At most UPGRADES_PER_TURN are begun in one turn of the loop.
// UP2. They are begun in the order in which they came; one that comes when none waits, and the turn has room, at once.

export const UPGRADES_PER_TURN = 16;

export class UpgradePace {
  #waiting: (() => void)[] = [];
  #next = 0;
  #begun = 0;
  #turnEnds = false;

  /** Whether the next one may be begun at once. */
  get hasRoom(): boolean {
    return this.#next === this.#waiting.length && this.#begun < UPGRADES_PER_TURN;
  }

  /** One was begun at once. */
  took(): void {
    this.#begun += 1;
    this.#countTurn();
  }

  /** `begin` is called in a later turn. It must not throw. */
  later(begin: () => void): void {
    this.#waiting.push(begin);
    this.#countTurn();
  }

  #countTurn(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      this.#begun = 0;
      this.#beginSome();
    });
  }

  #beginSome(): void {
    while (this.#next < this.#waiting.length && this.#begun < UPGRADES_PER_TURN) {
      const begin = this.#waiting[this.#next++]!;
      this.#begun += 1;
      begin();
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    if (this.#begun > 0) this.#countTurn();
  }
}
