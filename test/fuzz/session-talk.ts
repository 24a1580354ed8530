// Session talk
//
// Carries out one plan on one connection, and judges what came back.
//
// Owns:     the socket.
// Does not: decide what is said (session-plans.ts), or what must come of it (session-oracle.ts).
//
// T1. It ends: when the fence is answered, when the server ends it, or, where bytes may be taken for the length of others,
//     when nothing has come for a while; and leaves no socket.
// T2. What is expected comes, once, and nothing comes that is not expected. Whatever else was said, each frame of the
//     server is one of the contract.

import { connect, type Socket } from 'node:net';
import { Packr } from 'msgpackr';
import { checker } from '../../src/contract/schema.js';
import {
  ChangeFrame,
  CLOSE,
  DrainingFrame,
  ErrorFrame,
  MessageFrame,
  OkFrame,
  PongFrame,
  SUBPROTOCOL_JSON,
  SUBPROTOCOL_MSGPACK,
  WelcomeFrame,
} from '../../src/contract/session.js';
import { FENCE, NEVER, type SessionPlan } from './session-plans.js';
import {
  BadFrame,
  closeCode,
  closePayload,
  encodeWire,
  OPCODE,
  switchedFault,
  upgradeText,
  WireReader,
} from './session-wire.js';

/** Where nothing more need come. */
const QUIET_MS = 150;
/** Where something must. */
const ANSWER_TIMEOUT_MS = 20_000;

const SHAPES = {
  welcome: checker(WelcomeFrame),
  message: checker(MessageFrame),
  change: checker(ChangeFrame),
  ok: checker(OkFrame),
  error: checker(ErrorFrame),
  pong: checker(PongFrame),
  draining: checker(DrainingFrame),
} as const;

/** What a close may be for, here: the fuzz clients do nothing that deserves another. */
const CLOSE_CODES: ReadonlySet<number> = new Set([
  1000,
  1002,
  1003,
  1005,
  1007,
  1009,
  3000,
  CLOSE.badFrame,
  CLOSE.unauthorized,
]);
const UPGRADE_STATUSES: ReadonlySet<number> = new Set([200, 400, 401, 404, 405, 411, 413, 426, 431, 501, 505]);
const INSIDE = /\.[jt]s:\d|node_modules|\n {4}at /;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

export interface TalkResult {
  /** `upgraded`, `refused 400`, `closed 4000`, `cut`, `quiet`. */
  readonly end: string;
  readonly heard: number;
}

/** Rejects with a BadFrame, or with why there was no connection. */
export async function talk(port: number, plan: SessionPlan): Promise<TalkResult> {
  const one = new Talk(port, plan);
  try {
    return await one.run();
  } finally {
    one.drop();
  }
}

type ServerFrame = { readonly type: keyof typeof SHAPES } & Readonly<Record<string, unknown>>;

class Talk {
  readonly #plan: SessionPlan;
  readonly #socket: Socket;
  readonly #reader = new WireReader();
  readonly #answers = new Map<string, number>();
  #head: Buffer | undefined = Buffer.alloc(0);
  #status = 0;
  #heard = 0;
  #lastError: string | undefined;
  #welcomed = false;
  #fenced = false;
  #closed: number | undefined;
  #gone = false;
  #quiet = false;
  #failure: NodeJS.ErrnoException | undefined;
  #bad: unknown;
  #wake: () => void = () => undefined;

  constructor(port: number, plan: SessionPlan) {
    this.#plan = plan;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setTimeout(ANSWER_TIMEOUT_MS);
    this.#socket.on('timeout', () => this.#note(() => (this.#quiet = true)));
    this.#socket.on('data', (piece) => this.#note(() => this.#take(piece)));
    for (const event of ['end', 'close'] as const) this.#socket.on(event, () => this.#note(() => (this.#gone = true)));
    this.#socket.on('connect', () => this.#note(() => undefined));
    this.#socket.on('error', (error) => this.#note(() => (this.#failure = error)));
  }

  async run(): Promise<TalkResult> {
    const plan = this.#plan;
    await this.#until(() => !this.#socket.connecting);
    // Not a reset of what was sent: there is no server.
    if (this.#failure?.syscall === 'connect') throw this.#failure;
    this.#socket.write(upgradeText(plan.upgrade));
    await this.#until(() => this.#status !== 0);
    if (plan.kind === 'upgrade') return this.#endOfUpgrade();
    if (this.#status !== 101) throw new BadFrame(`a good upgrade was answered ${this.#status || 'nothing'}`);
    this.#socket.write(Buffer.concat(plan.opening));
    const mayHang = plan.kind === 'wire' && !plan.ends;
    if (mayHang && plan.early) this.#socket.setTimeout(QUIET_MS);
    await this.#until(() => this.#welcomed || this.#closed !== undefined);
    if (mayHang) this.#socket.setTimeout(QUIET_MS);
    for (const piece of plan.rest) this.#socket.write(piece);
    await this.#until(() => this.#closed !== undefined || (this.#fenced && this.#isAnswered()));
    if (plan.kind === 'wire') return this.#endOfWire();
    this.#judge();
    if (this.#closed === undefined && plan.ending === 'close') await this.#leave();
    return this.#result();
  }

  drop(): void {
    // A reset leaves nothing behind in the kernel: a long run would use up all ports otherwise.
    if (this.#gone || this.#socket.writableEnded) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #endOfUpgrade(): TalkResult {
    if (this.#status !== 101 && this.#status !== 0 && !UPGRADE_STATUSES.has(this.#status)) {
      throw new BadFrame(`an upgrade was answered ${this.#status}`);
    }
    return { end: this.#status === 101 ? 'upgraded' : `refused ${this.#status || 'without a word'}`, heard: 0 };
  }

  #endOfWire(): TalkResult {
    if (this.#answers.has(JSON.stringify(NEVER)) && this.#plan.ends)
      throw new BadFrame('what nobody may understand was answered');
    if (this.#plan.ends && !this.#gone && this.#closed === undefined) throw new BadFrame('the connection goes on');
    return this.#result();
  }

  /** Holds what came to what was expected (T2). */
  #judge(): void {
    const { answers, end } = this.#plan.expected;
    const closed = this.#closed ?? (this.#gone ? 1006 : undefined);
    if (end === 'none' && closed !== undefined) throw new BadFrame(`closed with ${closed}: ${this.#lastError}`);
    if (end === 'maybe' && closed !== undefined && closed !== CLOSE.badFrame)
      throw new BadFrame(`closed with ${closed}`);
    if (typeof end === 'number') {
      if (closed !== end)
        throw new BadFrame(`closed with ${closed}, and not with ${end}: ${this.#lastError ?? this.#failure}`);
      if (this.#lastError === undefined) throw new BadFrame(`closed with ${end}, and nobody said why`);
    }
    // What came behind a frame that may have ended it was answered or not.
    if (end === 'maybe') return;
    for (const [id, { least, most }] of answers) {
      const count = this.#answers.get(id) ?? 0;
      if (count < least || count > most)
        throw new BadFrame(`${id} was answered ${count} times, not ${least} to ${most}`);
    }
    for (const id of this.#answers.keys()) if (!answers.has(id)) throw new BadFrame(`${id} was never asked`);
  }

  #isAnswered(): boolean {
    for (const [id, { least }] of this.#plan.expected.answers) if ((this.#answers.get(id) ?? 0) < least) return false;
    return true;
  }

  /** The close handshake, begun here. */
  async #leave(): Promise<void> {
    this.#socket.write(encodeWire({ opcode: OPCODE.close, payload: closePayload(1000) }));
    await this.#until(() => this.#closed !== undefined);
    if (this.#closed !== 1000) throw new BadFrame(`a close with 1000 was answered ${this.#closed ?? 'by nothing'}`);
  }

  #result(): TalkResult {
    const closed = this.#closed === undefined ? undefined : `closed ${this.#closed}`;
    return { end: closed ?? (this.#gone ? 'cut' : this.#fenced ? 'answered' : 'quiet'), heard: this.#heard };
  }

  #take(piece: Buffer): void {
    let rest = piece;
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, piece]);
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#head.toString('latin1', 0, end);
      rest = this.#head.subarray(end + 4);
      this.#head = undefined;
      this.#status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
      const protocol = this.#plan.msgpack ? SUBPROTOCOL_MSGPACK : SUBPROTOCOL_JSON;
      if (this.#status === 101) this.#refuse(this.#plan.kind === 'upgrade' ? undefined : switchedFault(head, protocol));
    }
    if (this.#status !== 101) return;
    for (const { opcode, payload } of this.#reader.push(rest)) this.#hear(opcode, payload);
  }

  #hear(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.pong) return;
    if (opcode === OPCODE.ping) {
      this.#socket.write(encodeWire({ opcode: OPCODE.pong, payload }));
      return;
    }
    if (opcode === OPCODE.close) {
      this.#closed = closeCode(payload);
      if (!CLOSE_CODES.has(this.#closed)) this.#refuse(`closed with ${this.#closed}: ${this.#lastError}`);
      return;
    }
    if ((opcode === OPCODE.binary) !== this.#plan.msgpack) this.#refuse(`opcode ${opcode} in this subprotocol`);
    const frame = (this.#plan.msgpack ? packr.unpack(payload) : JSON.parse(payload.toString('utf8'))) as ServerFrame;
    const shape = Object.hasOwn(SHAPES, frame.type) ? SHAPES[frame.type] : undefined;
    if (shape === undefined) this.#refuse(`a frame of the type ${String(frame.type)}`);
    else if (!shape.check(frame)) this.#refuse(`${frame.type}: ${shape.fault(frame)}`);
    this.#heard++;
    this.#understand(frame);
  }

  #understand(frame: ServerFrame): void {
    if (frame.type === 'welcome') this.#welcomed = true;
    if (frame.type === 'error') {
      this.#lastError = String(frame.message);
      if (frame.error === 'internal_error') this.#refuse(`a defect: ${this.#lastError}`);
      if (INSIDE.test(this.#lastError)) this.#refuse(`tells of the inside: ${this.#lastError}`);
      const passes = frame.error === 'unavailable' || frame.error === 'rate_limited';
      if (passes && frame.retry_after_ms === undefined) this.#refuse(`${frame.error} without a time to retry`);
    }
    const isAnswer =
      frame.type === 'ok' || frame.type === 'pong' || (frame.type === 'error' && frame.watch_ended !== true);
    if (!isAnswer || frame.id === undefined) return;
    const id = JSON.stringify(frame.id);
    this.#answers.set(id, (this.#answers.get(id) ?? 0) + 1);
    if (frame.id === FENCE) this.#fenced = true;
  }

  #refuse(fault: string | undefined): void {
    if (fault !== undefined) throw new BadFrame(fault);
  }

  /** Until the condition holds, or nothing more will come (T1). */
  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#bad !== undefined) throw this.#bad;
      if (this.#gone || condition()) return;
      if (this.#quiet && this.#plan.kind === 'wire') return;
      if (this.#quiet) throw new BadFrame(`nothing came for ${ANSWER_TIMEOUT_MS} ms`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #note(change: () => unknown): void {
    try {
      change();
    } catch (error) {
      this.#bad ??= error;
    }
    this.#wake();
  }
}
