// Conversation
//
// Carries out one plan on one connection, and judges what came back.
//
// Owns:     the socket.
// Does not: decide what is sent (plans.ts), or what an answer may be (answers.ts).
//
// V1. It ends: when all is answered, when the server ends it, or when nothing has come for a while; and leaves no socket.
// V2. Good requests are all answered, each under its own id, unless the listener may end a connection that asks ahead.

import { connect, type Socket } from 'node:net';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { BadAnswer, type FuzzAnswer, readAnswers } from './answers.js';
import type { Plan } from './plans.js';

/** A wrong request that is answered at all is answered well within this. */
const QUIET_MS = 80;
/** A good one must be. */
const ANSWER_TIMEOUT_MS = 15_000;

export interface Outcome {
  /** How many requests were sent, the last of them perhaps not whole. */
  readonly requests: number;
  readonly answers: readonly FuzzAnswer[];
}

/** Rejects with a BadAnswer, or with why there was no connection. `endsAhead`: the listener may end one that asks ahead. */
export async function converse(port: number, plan: Plan, endsAhead: boolean): Promise<Outcome> {
  const talk = new Talk(port, plan);
  try {
    await talk.connected();
    await talk.send();
    return talk.verdict(endsAhead);
  } finally {
    talk.close();
  }
}

class Talk {
  readonly #plan: Plan;
  readonly #socket: Socket;
  readonly #received: Buffer[] = [];
  #requests = 0;
  #ended = false;
  #broken = false;
  #quiet = false;
  #failure: NodeJS.ErrnoException | undefined;
  #wake: () => void = () => undefined;

  constructor(port: number, plan: Plan) {
    this.#plan = plan;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setTimeout(plan.kind === 'wrong' ? QUIET_MS : ANSWER_TIMEOUT_MS, () =>
      this.#note(() => (this.#quiet = true)),
    );
    this.#socket.on('data', (piece) => this.#note(() => this.#received.push(piece)));
    this.#socket.on('end', () => this.#note(() => (this.#ended = true)));
    this.#socket.on('close', () => this.#note(() => (this.#ended = true)));
    this.#socket.on('connect', () => this.#note(() => undefined));
    this.#socket.on('error', (error) =>
      this.#note(() => {
        this.#failure = error;
        this.#broken = true;
        this.#ended = true;
      }),
    );
  }

  async connected(): Promise<void> {
    await this.#until(() => !this.#socket.connecting);
    // Not a reset of what was sent: there is no server.
    if (this.#failure?.syscall === 'connect') throw this.#failure;
  }

  /** Step by step, until the server has ended it, or has said that it will. */
  async send(): Promise<void> {
    const { steps, ending, requests } = this.#plan;
    for (const [index, pieces] of steps.entries()) {
      for (const piece of pieces) {
        this.#socket.write(piece);
        if (pieces.length > 1) await loopTurn();
      }
      const last = index === steps.length - 1;
      this.#requests = last ? requests : index + 1;
      if (last && ending === 'reset') return;
      if (last && ending === 'half_close') this.#socket.end();
      await this.#until(() => this.#answered(last ? requests : index + 1));
      if (this.#ended || this.#quiet || saysClose(this.#read().answers)) return;
    }
  }

  #answered(count: number): boolean {
    const { answers } = this.#read();
    // An answer that may be to a HEAD is whole only when nothing more comes, unless it has a body.
    const whole = this.#plan.isToHead(0) !== 'unknown' || answers.at(-1)?.body !== '';
    return answers.length >= count && whole;
  }

  /** What is wrong with all that came (V2). */
  verdict(endsAhead: boolean): Outcome {
    const { kind, requests, ending, steps } = this.#plan;
    const { answers, rest } = this.#read();
    // What cannot be read behind requests that were sent ahead ends the connection, whatever is on its way there.
    const ahead = requests > steps.length;
    const mayBreakOff = this.#broken || !this.#ended || ending !== 'wait' || ahead;
    if (rest.length > 0 && !mayBreakOff) throw new BadAnswer(`half an answer: ${rest.toString('latin1', 0, 200)}`);
    const due = kind === 'good' || (kind === 'ahead' && !endsAhead) ? requests : 0;
    if (answers.length < due && !saysClose(answers)) {
      const how = this.#broken ? 'broke' : this.#ended ? 'was ended' : 'stayed quiet';
      throw new BadAnswer(`only ${answers.length} of ${due} good requests were answered: the connection ${how}`);
    }
    this.#checkIds(answers);
    return { requests: this.#requests, answers };
  }

  #checkIds(answers: readonly FuzzAnswer[]): void {
    const { ids, kind, ordered } = this.#plan;
    const given = answers.map(({ headers }) => headers.get('x-request-id'));
    if (kind !== 'wrong') {
      // What was sent ahead may be cut by the network within a line: the library's page may then end the connection.
      if (kind === 'ahead' && answers.at(-1)?.status === 505) given.pop();
      for (const [i, id] of given.entries()) if (id !== ids[i]) throw new BadAnswer(`${ids[i]} was answered as ${id}`);
    } else if (ordered) {
      const places = given.map((id) => ids.indexOf(id ?? '')).filter((place) => place >= 0);
      if (places.some((place, i) => i > 0 && place < (places[i - 1] as number))) {
        throw new BadAnswer(`answered in the order ${given.join()}`);
      }
    }
  }

  close(): void {
    // A reset leaves nothing behind in the kernel: a long run would use up all ports otherwise. But a socket that has
    // begun to shut down cannot be reset, and Node would then keep it open for good.
    if (this.#ended || this.#socket.writableEnded) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #read(): ReturnType<typeof readAnswers> {
    return readAnswers(Buffer.concat(this.#received), this.#plan.isToHead);
  }

  /** Until the condition holds, or nothing more will come (V1). */
  async #until(condition: () => boolean): Promise<void> {
    while (!this.#ended && !this.#quiet && !condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #note(change: () => void): void {
    change();
    this.#wake();
  }
}

/** A refusal whose body was not read ends the connection, and says so. */
function saysClose(answers: readonly FuzzAnswer[]): boolean {
  return answers.at(-1)?.headers.get('connection') === 'close';
}
