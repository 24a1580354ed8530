// Session ledger
//
// What the agents of a chaos run said and saw, as they saw it: the only thing that session-checker.ts judges.

/** One message that an agent wanted to send. */
export interface SessionSend {
  readonly from: string;
  readonly to: string;
  /** Counts what goes from this sender to this recipient, from 0. */
  readonly place: number;
  /** When it was first said, in steps of the ledger. */
  readonly begunAt: number;
  /** When it was acknowledged; Infinity while nobody knows whether it was taken. */
  ackedAt: number;
  messageId: string | null;
  /** Names the connection on which its one attempt was acknowledged; null when it took more, or nobody knows. */
  connection: string | null;
}

/** What was handed to the program of an agent. */
export interface SessionArrival {
  readonly seq: number;
  readonly messageId: string;
  readonly from: string;
  readonly content: string;
}

/** A message that a client did not hand on, because it had seen that seq before. */
export interface SessionRepeat {
  readonly seq: number;
  readonly messageId: string;
  readonly redelivered: boolean;
  /** The session was begun with what the client had, so the server knew better. */
  readonly told: boolean;
}

export interface SessionInbox {
  readonly agent: string;
  /** In the order in which they were handed on. */
  readonly arrivals: SessionArrival[];
  readonly repeats: SessionRepeat[];
}

/** Something that the contract does not allow, seen at once: a frame, an answer, a close. */
export interface Breach {
  readonly agent: string;
  readonly text: string;
}

export class SessionLedger {
  readonly sends: SessionSend[] = [];
  readonly inboxes: SessionInbox[] = [];
  readonly breaches: Breach[] = [];
  #steps = 0;
  #acknowledged = 0;
  #arrived = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get arrived(): number {
    return this.#arrived;
  }

  inbox(agent: string): SessionInbox {
    const inbox: SessionInbox = { agent, arrivals: [], repeats: [] };
    this.inboxes.push(inbox);
    return inbox;
  }

  begin(from: string, to: string, place: number): SessionSend {
    const send: SessionSend = {
      from,
      to,
      place,
      begunAt: ++this.#steps,
      ackedAt: Number.POSITIVE_INFINITY,
      messageId: null,
      connection: null,
    };
    this.sends.push(send);
    return send;
  }

  acknowledge(send: SessionSend, messageId: string, connection: string | null): void {
    send.ackedAt = ++this.#steps;
    send.messageId = messageId;
    send.connection = connection;
    this.#acknowledged++;
  }

  arrive(inbox: SessionInbox, arrival: SessionArrival): void {
    inbox.arrivals.push(arrival);
    this.#arrived++;
  }

  breach(agent: string, text: string): void {
    this.breaches.push({ agent, text });
  }
}

const PADDING = 'the quick brown fox jumps over the lazy dog. ';
const LENGTHS = 9;

/** The content of a message tells which one it is, and is long or short by its place. */
export function contentOf(from: string, to: string, place: number): string {
  return `${from} ${to} ${place} ${PADDING.repeat(place % LENGTHS)}`;
}

/** Undefined when this is no content of ours, or not the whole of it. */
export function readContent(content: string): { from: string; to: string; place: number } | undefined {
  const [from = '', to = '', placeText = ''] = content.split(' ', 3);
  const place = Number(placeText);
  return Number.isSafeInteger(place) && contentOf(from, to, place) === content ? { from, to, place } : undefined;
}
