// Session
//
// One agent at the other end of a WebSocket, from the open socket to the closed one.
//
//                    token is good            hello             the server stops
//   authenticating ───────────────▶ greeting ───────▶ live ───────────────────────▶ draining
//         │                            │               │                               │ nothing is in flight
//         └────────────────────────────┴───────────────┴───────────────────────────────┴──▶ closed
//          no token or a wrong one 4003 · no hello, a bad frame 4000 · too many, overloaded 4029
//          replaced 4001 · retired 4004 · the server stops 4009 · the peer went away
//
// The token is verified after the socket was accepted, also where it came in a header and the answer is there at once: so
// a wrong token, a revoked one and one that cannot be hashed now are told in one way, by an error frame and a close code,
// whether or not the server happened to know it already. A browser is not shown the status of a refused upgrade at all.
//
// Owns:     what may be said in which state, and the end.
// Does not: count sessions or time (sessions.ts), or answer what a live session is asked (live-session.ts).
//
// SE1. Before the token is known to be good nothing is parsed but one `auth` frame, of at most HELD_BYTES_MAX. What comes
//      while it is verified is kept in order, up to as much, and looked at when it was good.
// SE2. A frame that is malformed, unknown or out of order ends the session with 4000, after an `error` that says why; but
//      a request of the wrong shape with a readable id is refused under that id, and the session goes on.
// SE3. After closed nothing is sent, and all that was held for the session is given back.

import { type Checker, checker } from '../../contract/schema.js';
import {
  type AgentFrame,
  type AgentFrameOf,
  type AgentFrameType,
  agentFrames,
  CLOSE,
  type CloseReason,
  FRAME_BYTES_MAX,
  FRAME_ID_CHARS_MAX,
  type FrameId,
} from '../../contract/session.js';
import type { Fault } from '../../errors.js';
import type { AuthOutcome } from '../gate/authenticator.js';
import { lookupIdOf } from '../gate/token.js';
import { badRequest } from '../kernel/text-faults.js';
import type { CloseCode, Socket, SocketHandler } from '../listener/socket.js';
import { errorFrame } from './error-frame.js';
import type { DecodedFrame, FrameCodec } from './frame-codec.js';
import { FrameSocket } from './frame-socket.js';
import { type LiveHost, type LiveOwner, LiveSession } from './live-session.js';

/** Of what comes before the token is known to be good: far more than `auth` and `hello` need. */
export const HELD_BYTES_MAX = 8 * 1024;
export const HELD_FRAMES_MAX = 32;

const TOO_LARGE = `the frame has more than ${FRAME_BYTES_MAX} bytes`;
const NO_TOKEN: Fault = { code: 'UNAUTHORIZED', params: { who: 'agent' } };
const TOO_LATE: Fault = { code: 'OVERLOADED', params: { what: 'what verifies tokens' } };
const TOO_MANY_OF_ONE: Fault = { code: 'OVERLOADED', params: { what: 'the sessions of one agent' } };
const TOO_MANY: Fault = { code: 'OVERLOADED', params: { what: 'the sessions' } };

const CLOSE_WORDS: Readonly<Record<CloseReason, string>> = {
  badFrame: 'bad frame',
  replaced: 'replaced',
  unauthorized: 'unauthorized',
  retired: 'agent retired',
  draining: 'draining',
  tooMany: 'too many sessions',
};

export interface SessionHost extends LiveHost {
  /** Most bytes that may wait on one socket. */
  readonly waitingBytesMax: number;
  /** The socket is open. False when there are too many. */
  entered(session: Session): boolean;
  /** Its token is there, and is being verified. */
  verifying(session: Session): void;
  /** Calls it now or, when many begin at once, in a later turn of the loop. */
  inTurn(begin: () => void): void;
  /** False when its token has opened too many that said no hello yet. */
  authenticated(session: Session, lookupId: string): boolean;
  /** It says hello: older sessions of its agent end. */
  greeted(session: Session, lookupId: string): void;
  /** It is closed, or closing. `lookupId` is that of its token, if it got that far. */
  ended(session: Session, lookupId: string | undefined): void;
  /** Its socket is gone. */
  left(session: Session): void;
}

type State = 'authenticating' | 'greeting' | 'live' | 'draining' | 'closed';

interface HeldFrame {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

const shapes = Object.fromEntries(
  Object.entries(agentFrames).map(([type, schema]) => [type, checker(schema)]),
) as unknown as Readonly<Record<AgentFrameType, Checker<AgentFrame>>>;

export class Session implements SocketHandler, LiveOwner {
  readonly #host: SessionHost;
  readonly #codec: FrameCodec;
  #authorization: string | undefined;
  #state: State = 'authenticating';
  #isVerifying = false;
  #held: HeldFrame[] | undefined;
  #lookupId: string | undefined;
  #agent = '';
  #out!: FrameSocket;
  #live: LiveSession | undefined;

  /** `authorization`: the header, where there was one. */
  constructor(host: SessionHost, codec: FrameCodec, authorization: string | undefined) {
    this.#host = host;
    this.#codec = codec;
    this.#authorization = authorization;
  }

  opened(socket: Socket): void {
    this.#out = new FrameSocket(socket, this.#codec, this.#host.waitingBytesMax);
    const authorization = this.#authorization;
    this.#authorization = undefined;
    if (!this.#host.entered(this)) this.end('tooMany', TOO_MANY);
    else if (authorization !== undefined && !this.#isClosed()) this.#verify(authorization);
  }

  data(_socket: Socket, bytes: Uint8Array, isBinary: boolean): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'authenticating') this.#read(bytes, isBinary);
    else if (this.#isVerifying) this.#hold(bytes, isBinary);
    else if (bytes.length > HELD_BYTES_MAX) this.badFrame('the first frame is larger than any that carries a token');
    else this.#read(bytes, isBinary);
  }

  drained(): void {
    this.#live?.drained();
  }

  closed(_socket: Socket, code: CloseCode): void {
    if (this.#state !== 'closed') this.#release(code);
    this.#host.left(this);
  }

  /** The time for the token, for its verification, or for hello, is over. */
  late(): void {
    if (this.#isVerifying) this.#refuse(TOO_LATE);
    else if (this.#state === 'authenticating') this.end('unauthorized', NO_TOKEN);
    else this.badFrame('no hello came in time');
  }

  /** The server stops: what is in flight is answered, and then it ends. */
  drain(resumeAfterMs: number): void {
    if (this.#state === 'closed') return;
    this.#out.send({ type: 'draining', resume_after_ms: resumeAfterMs });
    if (this.#live === undefined || this.#live.isIdle) this.end('draining');
    else this.#state = 'draining';
  }

  /**
   * A newer session of the agent begins. The agent would end this one too, but not while it has no stream there: then it
   * would attach again behind the newer one, and take its place.
   */
  replacedBefore(): void {
    if (this.#state === 'live') this.end('replaced');
  }

  idle(): void {
    if (this.#state === 'draining') this.end('draining');
  }

  badFrame(reason: string): void {
    this.end('badFrame', badRequest(reason));
  }

  end(reason: CloseReason, fault?: Fault): void {
    if (this.#state === 'closed') return;
    if (fault !== undefined) {
      this.#host.context.meter.refused(fault.code);
      this.#out.send(errorFrame(fault));
    }
    this.#release(CLOSE[reason]);
    this.#out.close(CLOSE[reason], CLOSE_WORDS[reason]);
  }

  #verify(authorization: string): void {
    this.#isVerifying = true;
    this.#host.verifying(this);
    this.#host.inTurn(() => this.#authenticate(authorization));
  }

  #authenticate(authorization: string): void {
    if (this.#isClosed()) return;
    const outcome = this.#host.context.authenticator.authenticate('agent', authorization);
    if (outcome instanceof Promise) void outcome.then((settled) => this.#verified(settled, authorization));
    else this.#verified(outcome, authorization);
  }

  #verified(outcome: AuthOutcome, authorization: string): void {
    if (this.#state === 'closed') return;
    if (outcome.ok) this.#admit(outcome.principal.id, lookupIdOf(authorization) ?? '');
    else this.#refuse(outcome.fault);
  }

  #admit(agent: string, lookupId: string): void {
    this.#isVerifying = false;
    this.#state = 'greeting';
    this.#agent = agent;
    this.#lookupId = lookupId;
    if (!this.#host.authenticated(this, lookupId)) {
      this.end('tooMany', TOO_MANY_OF_ONE);
      return;
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { bytes, isBinary } of held) if (!this.#isClosed()) this.#read(bytes, isBinary);
  }

  /** Whoever is not refused for its token may come back: it is told when. */
  #refuse(fault: Fault): void {
    const reason = fault.code === 'UNAUTHORIZED' ? 'unauthorized' : 'tooMany';
    this.end(reason, fault.code === 'INTERNAL' ? TOO_LATE : fault);
  }

  #hold(bytes: Uint8Array, isBinary: boolean): void {
    this.#held ??= [];
    const waiting = this.#held.reduce((sum, one) => sum + one.bytes.length, bytes.length);
    if (waiting > HELD_BYTES_MAX || this.#held.length >= HELD_FRAMES_MAX) {
      this.badFrame('too much was sent before welcome');
    } else {
      this.#held.push({ bytes: bytes.slice(), isBinary });
    }
  }

  #read(bytes: Uint8Array, isBinary: boolean): void {
    const decoded = bytes.length > FRAME_BYTES_MAX ? TOO_LARGE : this.#codec.decode(bytes, isBinary);
    const shape = typeof decoded === 'string' ? undefined : shapeOf(decoded.type);
    if (typeof decoded === 'string') this.badFrame(decoded);
    else if (shape === undefined) this.badFrame('type names no frame');
    else if (shape.check(decoded)) this.#hear(decoded);
    else this.#misheard(decoded, shape.fault(decoded).replace('the body', 'the frame'));
  }

  /** A frame of the right shape. */
  #hear(frame: AgentFrame): void {
    switch (this.#state) {
      case 'authenticating':
        if (frame.type === 'auth') this.#verify(`Bearer ${frame.token}`);
        else this.badFrame('the first frame must be auth, where no Authorization header was sent');
        break;
      case 'greeting':
        if (frame.type === 'hello') this.#begin(frame);
        else this.badFrame('the first frame after the token must be hello');
        break;
      case 'live':
      case 'draining':
        if (frame.type === 'auth' || frame.type === 'hello') this.badFrame(`${frame.type} is said once`);
        else this.#live?.hear(frame);
        break;
      case 'closed':
        break;
      default:
        this.#state satisfies never;
    }
  }

  #begin(hello: AgentFrameOf<'hello'>): void {
    this.#host.greeted(this, this.#lookupId ?? '');
    this.#state = 'live';
    this.#live = new LiveSession(this.#host, this, this.#out, this.#agent, this.#lookupId ?? '');
    this.#live.begin(hello);
  }

  /** The content of a message was removed, and this session is of its recipient, or not. */
  redact(agent: string, messageId: string): void {
    if (this.#agent === agent) this.#live?.redact(messageId);
  }

  /** A frame of the wrong shape (SE2). */
  #misheard(frame: DecodedFrame, reason: string): void {
    const { id, type } = frame;
    const isRequest = type !== 'auth' && type !== 'hello' && type !== 'ack';
    if (this.#live !== undefined && isRequest && isFrameId(id)) this.#live.refuse(id, badRequest(reason));
    else this.badFrame(reason);
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** All that is held for it is given back (SE3). */
  #release(code: CloseCode): void {
    this.#state = 'closed';
    this.#held = undefined;
    this.#live?.close(code);
    this.#live = undefined;
    this.#host.ended(this, this.#lookupId);
  }
}

function shapeOf(type: unknown): Checker<AgentFrame> | undefined {
  return typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type as AgentFrameType] : undefined;
}

function isFrameId(id: unknown): id is FrameId {
  if (typeof id === 'string') return id.length > 0 && id.length <= FRAME_ID_CHARS_MAX;
  return Number.isInteger(id);
}
