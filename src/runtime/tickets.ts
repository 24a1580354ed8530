// Tickets
//
// Questions to a thread whose answers carry a number.
//
// TI1. Every question is answered once: by its answer, or with undefined when that does not come in time.

export class Tickets<Answer> {
  readonly #waitMs: number;
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  #last = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  ask(send: (ticket: number) => void): Promise<Answer | undefined> {
    const ticket = ++this.#last;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.answer(ticket, undefined), this.#waitMs);
      this.#waiting.set(ticket, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      send(ticket);
    });
  }

  answer(ticket: number, answer: Answer | undefined): void {
    this.#waiting.get(ticket)?.(answer);
    this.#waiting.delete(ticket);
  }
}
