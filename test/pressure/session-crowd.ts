// Session crowd
//
// Many agents that hold sessions and say nothing. When their server is gone they wait to be told; then all of them come
// back at the same instant, and each tries until it is let in, as a well-behaved client does.
//
// W1. A member that is refused comes back after the time that it was told, and a random time on top that doubles with each
//     attempt (the back-off of the client SDK).
// W2. A refusal is an answer to the upgrade other than 101, or an error frame and a close before the welcome. One that
//     gives no time to retry, or that no retry can help, is counted apart; and so is a connection that is cut without a word.
// W3. It answers pings.
// W4. At most `openingMax` members try at the same time, where there is no storm to be made.

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { SESSION_PATH, SUBPROTOCOL_JSON } from '../../src/contract/session.js';
import { closeCode, encodeWire, OPCODE, upgradeText, WireReader } from '../fuzz/session-wire.js';

export interface CrowdResult {
  readonly live: number;
  /** From the first attempt to the last welcome. */
  readonly settledMs: number;
  readonly attempts: number;
  /** By what was said: `503`, `4029 unavailable`. */
  readonly refused: Readonly<Record<string, number>>;
  /** Refusals without a time to retry, and cuts, by what was said (W2). */
  readonly untimed: Readonly<Record<string, number>>;
  /** The longest time that one was told to wait. */
  readonly toldMsMax: number;
}

/** Of the client SDK. */
const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/** How one attempt ended. */
type Attempt =
  | { readonly kind: 'live' }
  | { readonly kind: 'refused'; readonly what: string; readonly retryMs: number | undefined };

export class SessionCrowd {
  readonly #members: readonly Member[];

  constructor(tokens: readonly string[], sources: readonly string[]) {
    this.#members = tokens.map((token, index) => new Member(token, sources[index % sources.length]!));
  }

  get live(): number {
    return this.#members.filter(({ isLive }) => isLive).length;
  }

  /** Resolves when all are live, or `timeoutMs` is over. */
  async enter(port: number, openingMax: number, timeoutMs: number): Promise<CrowdResult> {
    const startedAt = performance.now();
    const deadline = startedAt + timeoutMs;
    const refused: Record<string, number> = {};
    const untimed: Record<string, number> = {};
    const total = { attempts: 0, toldMsMax: 0, settledMs: 0 };
    const waiting = [...this.#members];
    const enterOne = async (member: Member): Promise<void> => {
      for (let failures = 0; performance.now() < deadline; failures++) {
        total.attempts++;
        const attempt = await member.attempt(port);
        if (attempt.kind === 'live') {
          total.settledMs = performance.now() - startedAt;
          return;
        }
        const { what, retryMs } = attempt;
        const counts = retryMs === undefined ? untimed : refused;
        counts[what] = (counts[what] ?? 0) + 1;
        total.toldMsMax = Math.max(total.toldMsMax, retryMs ?? 0);
        const jitterMs = Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** failures);
        await pause((retryMs ?? 0) + jitterMs);
      }
    };
    const lane = async (): Promise<void> => {
      for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) await enterOne(member);
    };
    await Promise.all(Array.from({ length: Math.min(openingMax, this.#members.length) }, lane));
    return { live: this.live, ...total, refused, untimed };
  }

  /** Resolves when none is live, or `timeoutMs` is over. */
  async lost(timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    while (this.live > 0 && performance.now() < deadline) await pause(LOOK_MS);
    return this.live;
  }

  close(): void {
    for (const member of this.#members) member.close();
  }
}

const LOOK_MS = 20;

class Member {
  readonly #token: string;
  readonly #source: string;
  #socket: Socket | undefined;
  isLive = false;

  constructor(token: string, source: string) {
    this.#token = token;
    this.#source = source;
  }

  attempt(port: number): Promise<Attempt> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: this.#source, noDelay: true });
      this.#socket = socket;
      const reader = new WireReader();
      let head: Buffer | undefined = Buffer.alloc(0);
      let said: Attempt & { kind: 'refused' } = { kind: 'refused', what: 'cut', retryMs: undefined };
      socket.on('connect', () => socket.write(this.#upgrade()));
      socket.on('data', (piece) => {
        let rest: Buffer = piece;
        if (head !== undefined) {
          head = Buffer.concat([head, piece]);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) return;
          const text = head.toString('latin1', 0, end);
          rest = head.subarray(end + 4);
          head = undefined;
          const status = text.slice(9, 12);
          if (status !== '101') {
            const seconds = /\r\nretry-after: (\d+)/i.exec(text)?.[1];
            said = {
              kind: 'refused',
              what: status,
              retryMs: seconds === undefined ? undefined : 1000 * Number(seconds),
            };
            socket.destroy();
            return;
          }
          socket.write(HELLO);
        }
        for (const { opcode, payload } of reader.push(rest)) {
          if (opcode === OPCODE.ping) socket.write(encodeWire({ opcode: OPCODE.pong, payload }));
          else if (opcode === OPCODE.close) {
            said = { ...said, what: `${closeCode(payload)} ${said.what}` };
            socket.end();
          } else if (opcode === OPCODE.text) {
            const frame = JSON.parse(payload.toString('utf8')) as Readonly<Record<string, unknown>>;
            if (frame.type === 'welcome') {
              this.isLive = true;
              resolve({ kind: 'live' });
            } else if (frame.type === 'error') {
              const retryMs = frame.error === 'unavailable' ? (frame.retry_after_ms as number | undefined) : undefined;
              said = { kind: 'refused', what: String(frame.error), retryMs };
            }
          }
        }
      });
      // The close that follows tells it.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.isLive = false;
        resolve(said);
      });
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #upgrade(): string {
    return upgradeText({
      path: SESSION_PATH,
      protocols: [SUBPROTOCOL_JSON],
      authorization: `Bearer ${this.#token}`,
      offersDeflate: false,
      changed: {},
    });
  }
}

const HELLO = encodeWire({ opcode: OPCODE.text, payload: Buffer.from('{"type":"hello"}') });
