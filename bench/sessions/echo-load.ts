// Echo load
//
// The same small question on every connection, so many of them under way: what is answered is followed by the next.
//
// EL1. Answers come in the order of the questions and carry their ids; anything else fails the run.
// EL2. After the budget nothing is asked, and every answer is awaited.

import { serveOrders } from '../harness/child.js';
import { LatencyRecorder, type LatencySummary } from '../harness/latency.js';
import { forEachPlace, openSession, type Party } from './session-courier.js';
import { textHead, WireSocket } from './wire-socket.js';

export interface EchoOrder {
  readonly port: number;
  readonly connections: number;
  /** Questions of a connection under way. */
  readonly depth: number;
  readonly budgetMs: number;
  /** The key that is asked for, one for each connection, all as long. */
  readonly keys: readonly string[];
  /** Those who hold the sessions; a bare echo when absent. */
  readonly parties?: readonly Party[];
}

export interface EchoOutcome {
  readonly answered: number;
  readonly elapsedMs: number;
  readonly latency: LatencySummary;
}

/** All ids have as many digits. */
const FIRST_ID = 10 ** 9;
const ID_CHARS = 10;
const ANSWER_TIMEOUT_MS = 30_000;
const ASKED = '{"type":"state.get","id":';
const ANSWERED = '{"type":"ok","id":';

class EchoRun {
  readonly #order: EchoOrder;
  readonly #latency = new LatencyRecorder();
  /** What every right answer begins with. */
  readonly #prefix: Buffer;
  readonly #lanes: Lane[] = [];
  #answered = 0;
  #underWay = 0;
  #isOver = false;
  #finish: (error: Error | null) => void = () => undefined;

  constructor(order: EchoOrder) {
    this.#order = order;
    this.#prefix = Buffer.from(order.parties === undefined ? ASKED : ANSWERED);
  }

  async run(): Promise<EchoOutcome> {
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = (error) => (error === null ? resolve() : reject(error));
    });
    finished.catch(() => undefined);
    const { connections, budgetMs } = this.#order;
    await forEachPlace(connections, async (place) => {
      this.#lanes[place] = await this.#openLane(place);
    });
    const startedAt = performance.now();
    const over = setTimeout(() => {
      this.#isOver = true;
    }, budgetMs);
    const late = setTimeout(
      () => this.#finish(new Error(`${this.#underWay} questions were not answered in time`)),
      budgetMs + ANSWER_TIMEOUT_MS,
    );
    for (const lane of this.#lanes) this.#ask(lane, this.#order.depth);
    try {
      await finished;
    } finally {
      clearTimeout(over);
      clearTimeout(late);
    }
    const elapsedMs = performance.now() - startedAt;
    await Promise.all(this.#lanes.map(({ wire }) => wire.close()));
    return { answered: this.#answered, elapsedMs, latency: this.#latency.summary() };
  }

  async #openLane(place: number): Promise<Lane> {
    const { port, depth, keys, parties } = this.#order;
    let lane: Lane | undefined;
    const handler = {
      frame: (bytes: Buffer, start: number) => this.#take(lane!, bytes, start),
      turn: () => {
        if (lane !== undefined) this.#ask(lane, lane.free);
      },
      failed: (error: Error) => this.#finish(error),
    };
    const wire =
      parties === undefined
        ? await WireSocket.open({ port, path: '/echo' }, handler)
        : (await openSession({ port, party: parties[place]! }, handler)).wire;
    const behind = `,"key":"${keys[place]!}"}`;
    const head = textHead(ASKED.length + ID_CHARS + behind.length) + ASKED;
    lane = { wire, head, behind, asked: 0, answered: 0, free: 0, askedAt: new Float64Array(depth) };
    return lane;
  }

  #take(lane: Lane, bytes: Buffer, start: number): void {
    const idAt = start + this.#prefix.length;
    const isRight = bytes.compare(this.#prefix, 0, this.#prefix.length, start, idAt) === 0;
    const id = isRight ? Number(bytes.toString('latin1', idAt, idAt + ID_CHARS)) : Number.NaN;
    if (id !== FIRST_ID + lane.answered) {
      this.#finish(new Error(`Question ${lane.answered} was answered ${bytes.toString('utf8', start, start + 300)}`));
      return;
    }
    this.#latency.record(performance.now() - lane.askedAt[lane.answered % this.#order.depth]!);
    lane.answered++;
    lane.free++;
    this.#answered++;
    this.#underWay--;
  }

  #ask(lane: Lane, count: number): void {
    lane.free = 0;
    if (this.#isOver) {
      if (this.#underWay === 0) this.#finish(null);
      return;
    }
    const now = performance.now();
    let frames = '';
    for (let turn = 0; turn < count; turn++) {
      lane.askedAt[lane.asked % this.#order.depth] = now;
      frames += lane.head + (FIRST_ID + lane.asked++) + lane.behind;
    }
    this.#underWay += count;
    lane.wire.write(frames);
  }
}

interface Lane {
  readonly wire: WireSocket;
  readonly head: string;
  readonly behind: string;
  readonly askedAt: Float64Array;
  asked: number;
  answered: number;
  /** How many were answered in this read. */
  free: number;
}

serveOrders<EchoOrder, EchoOutcome>((order) => new EchoRun(order).run());
