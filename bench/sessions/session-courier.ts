// Session courier
//
// Carries the messages of pairs over `GET /v1/session`, in JSON: a socket for each sender and each receiver. It is the same
// for the server and for the raw relay.
//
// SC1. A receiver acknowledges the last of what arrived at once, when all of it was read.
// SC2. Its inbox must be empty when it opens: the far end has counted every message before as acknowledged.

import {
  type ErrorFrame,
  type MessageFrame,
  type OkFrame,
  SESSION_PATH,
  SUBPROTOCOL_JSON,
  type WelcomeFrame,
} from '../../src/contract/session.js';
import { type Courier, type PairLoad, textOf } from './pair-load.js';
import { textFrame, textHead, type WireHandler, WireSocket } from './wire-socket.js';

export interface Party {
  readonly address: string;
  readonly token: string;
}

export interface Pair {
  readonly sender: Party;
  readonly receiver: Party;
}

export interface SessionTarget {
  readonly port: number;
  readonly party: Party;
  /** The address to come from, where one has too few ports. */
  readonly from?: string;
}

type Frame = WelcomeFrame | MessageFrame | OkFrame | ErrorFrame;

/** Sessions that are opened at the same time: fewer than a listener lets wait to be accepted. */
const OPENING_MAX = 64;
const HELLO = textFrame(JSON.stringify({ type: 'hello' }));

/** Opens a session; its handler is told of frames after the welcome only. */
export async function openSession(
  target: SessionTarget,
  handler: WireHandler,
): Promise<{ readonly wire: WireSocket; readonly welcome: WelcomeFrame }> {
  let welcomed: (frame: Frame) => void = () => undefined;
  let refused: (error: Error) => void = () => undefined;
  const welcome = new Promise<WelcomeFrame>((resolve, reject) => {
    refused = reject;
    welcomed = (frame) => {
      if (frame.type === 'welcome') resolve(frame);
      else reject(new Error(`A session began with ${JSON.stringify(frame)}`));
    };
  });
  let isLive = false;
  const { port, party, from } = target;
  const wireTarget = { port, path: SESSION_PATH, token: party.token, protocol: SUBPROTOCOL_JSON };
  const wire = await WireSocket.open(from === undefined ? wireTarget : { ...wireTarget, from }, {
    frame(bytes, start, end) {
      if (isLive) {
        handler.frame(bytes, start, end);
        return;
      }
      isLive = true;
      welcomed(parse(bytes, start, end));
    },
    turn: () => handler.turn(),
    failed(error) {
      refused(error);
      handler.failed(error);
    },
  });
  wire.write(HELLO);
  return { wire, welcome: await welcome };
}

function parse(bytes: Buffer, start: number, end: number): Frame {
  return JSON.parse(bytes.toString('utf8', start, end)) as Frame;
}

/** Runs for each place below `count`, OPENING_MAX at a time. */
export async function forEachPlace(count: number, run: (place: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(OPENING_MAX, count) }, worker));
}

export class SessionCourier implements Courier {
  readonly #port: number;
  readonly #pairs: readonly Pair[];
  readonly #heads: string[];
  readonly #senders: WireSocket[] = [];
  readonly #receivers: WireSocket[] = [];

  constructor(port: number, pairs: readonly Pair[]) {
    this.#port = port;
    this.#pairs = pairs;
    // The length of a frame is that of any other to the same receiver: numbers have the same width.
    this.#heads = pairs.map(({ receiver }) => textHead(sendFrame(receiver.address, 10 ** 11).length));
  }

  async open(load: PairLoad): Promise<void> {
    await forEachPlace(this.#pairs.length, async (place) => {
      this.#receivers[place] = await this.#openReceiver(place, load);
      this.#senders[place] = await this.#openSender(place, load);
    });
  }

  async #openSender(place: number, load: PairLoad): Promise<WireSocket> {
    const { wire } = await openSession(this.#target(this.#pairs[place]!.sender), {
      frame(bytes, start, end) {
        const frame = parse(bytes, start, end);
        if (frame.type === 'ok') load.accepted(place);
        else load.fail(new Error(`A message was answered ${JSON.stringify(frame)}`));
      },
      turn: () => load.turn(place),
      failed: (error) => load.fail(error),
    });
    return wire;
  }

  async #openReceiver(place: number, load: PairLoad): Promise<WireSocket> {
    let lastSeq = 0;
    let ackedSeq = 0;
    const { wire, welcome } = await openSession(this.#target(this.#pairs[place]!.receiver), {
      frame(bytes, start, end) {
        const frame = parse(bytes, start, end);
        if (frame.type !== 'message' || frame.seq !== lastSeq + 1) {
          load.fail(new Error(`A receiver of ${lastSeq} got ${JSON.stringify(frame).slice(0, 200)}`));
          return;
        }
        lastSeq = frame.seq;
        load.received(place, frame.content);
      },
      turn() {
        if (lastSeq > ackedSeq) {
          ackedSeq = lastSeq;
          wire.write(textFrame(`{"type":"ack","seq":${lastSeq}}`));
        }
        load.turn(place);
      },
      failed: (error) => load.fail(error),
    });
    lastSeq = welcome.next_seq - 1;
    ackedSeq = lastSeq;
    return wire;
  }

  #target(party: Party): SessionTarget {
    return { port: this.#port, party };
  }

  send(pair: number, first: number, count: number): void {
    const { address } = this.#pairs[pair]!.receiver;
    const head = this.#heads[pair]!;
    let frames = '';
    for (let number = first; number < first + count; number++) frames += head + sendFrame(address, number);
    this.#senders[pair]!.write(frames);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#senders, ...this.#receivers].map((wire) => wire.close()));
  }

  /** Seqs begin at 1 and grow by one: what a new session would be pushed first says how many were acknowledged before. */
  async countFarEnd(): Promise<number> {
    let count = 0;
    await forEachPlace(this.#pairs.length, async (place) => {
      let problem: Error | undefined;
      const { wire, welcome } = await openSession(this.#target(this.#pairs[place]!.receiver), {
        frame(bytes, start, end) {
          problem ??= new Error(`An inbox was not empty: ${bytes.toString('utf8', start, end)}`);
        },
        turn: () => undefined,
        failed(error) {
          problem ??= error;
        },
      });
      await wire.close();
      if (problem !== undefined) throw problem;
      count += welcome.next_seq - 1;
    });
    return count;
  }
}

function sendFrame(to: string, number: number): string {
  return `{"type":"send","id":${number},"to":"${to}","content":"${textOf(number)}"}`;
}
