// Turn pace
//
// After a restart thousands of sessions can open in one turn of the loop, and the token of each costs more than most
// requests. So that whoever asks meanwhile waits for some of them and not for all, a turn begins only so many: the others
// wait in the order in which they came.
//
// Owns:     when a run is begun.
// Does not: know what it does. As many wait as there are sockets without a verified token, which are bounded (sessions.ts).
//
// TP1. At most RUNS_PER_TURN are begun in one turn of the loop.
// TP2. They are begun in the order in which they came; one that comes when none waits, and the turn has room, at once.

export const RUNS_PER_TURN = 16;

export class TurnPace {
  #waiting: (() => void)[] = [];
  #next = 0;
  #begun = 0;
  #turnEnds = false;

  /** Calls it now or in a later turn. It must not throw. */
  run(begin: () => void): void {
    this.#countTurn();
    if (this.#next < this.#waiting.length || this.#begun >= RUNS_PER_TURN) {
      this.#waiting.push(begin);
      return;
    }
    this.#begun += 1;
    begin();
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
    while (this.#next < this.#waiting.length && this.#begun < RUNS_PER_TURN) {
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
