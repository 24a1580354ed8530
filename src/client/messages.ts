// Messages
//
// What a program iterates over: `for await (const message of agent.messages())`.
//
// G1. A message is acknowledged when the next one is asked for: its loop body has finished. A body that throws or breaks
//     leaves it unacknowledged, and the next loop gets it again.
// G2. With `ack: 'manual'` only message.ack() acknowledges. A message that is not done holds back those behind it.
// G3. Several loops share the messages between them: each message goes to one.
// G4. The loop ends when the session is closed on this side, and throws when it ended for another reason.

import type { Entry, Inbox } from './inbox.js';
import { abortedBy, type TroupeError } from './troupe-error.js';

export interface Message {
  /** Its place in the agent's history. */
  readonly seq: number;
  readonly messageId: string;
  readonly from: string;
  readonly content: string;
  /** RFC 3339, when it became durable. */
  readonly timestamp: string;
  /** It may have been handed to this agent's program before. */
  readonly redelivered: boolean;
  /** An admin removed the content; what stands in its place is `content`. */
  readonly redacted?: true;
  /** It is done with: it leaves the inbox once everything before it is done too. */
  ack(): void;
}

export interface MessagesOptions {
  readonly signal?: AbortSignal | undefined;
  /** `auto` when nothing is said (G1). */
  readonly ack?: 'auto' | 'manual' | undefined;
}

/** How the session ended; `error` is null when it was closed on this side. */
export interface Ending {
  readonly error: TroupeError | null;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
  readonly reject: (error: TroupeError) => void;
  taken(entry: Entry): void;
}

export class MessageLoop implements AsyncIterableIterator<Message, undefined> {
  readonly #inbox: Inbox;
  readonly #isAuto: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #left: (loop: MessageLoop) => void;
  readonly #waiting = new Set<Waiting>();
  readonly #aborted = (): void => this.end({ error: abortedBy(this.#signal as AbortSignal) });
  #held: Entry[] = [];
  #ending: Ending | undefined;

  /** `left` is called once, when the loop has ended. */
  constructor(inbox: Inbox, options: MessagesOptions, left: (loop: MessageLoop) => void) {
    this.#inbox = inbox;
    this.#isAuto = options.ack !== 'manual';
    this.#signal = options.signal;
    this.#left = left;
    this.#signal?.addEventListener('abort', this.#aborted, { once: true });
    if (this.#signal?.aborted) this.#aborted();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#isAuto && this.#ending === undefined) {
      for (const entry of this.#held.splice(0)) this.#inbox.done(entry);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        resolve,
        reject,
        taken: (entry) => {
          this.#waiting.delete(waiting);
          if (this.#isAuto) this.#held.push(entry);
          resolve({ done: false, value: this.#messageOf(entry) });
        },
      };
      if (this.#ending !== undefined) return settle(waiting, this.#ending);
      this.#waiting.add(waiting);
      this.#inbox.take(waiting);
    });
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    this.end({ error: null });
    return Promise.resolve({ done: true, value: undefined });
  }

  end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#signal?.removeEventListener('abort', this.#aborted);
    for (const waiting of this.#waiting) {
      this.#inbox.leave(waiting);
      settle(waiting, ending);
    }
    this.#waiting.clear();
    this.#inbox.release(this.#held.splice(0));
    this.#left(this);
  }

  #messageOf(entry: Entry): Message {
    const { frame, seq, redelivered } = entry;
    return {
      seq,
      messageId: frame.message_id,
      from: frame.from,
      content: frame.content,
      timestamp: frame.timestamp,
      redelivered,
      ...(frame.redacted === true && { redacted: true }),
      ack: () => this.#inbox.done(entry),
    };
  }
}

function settle(waiting: Waiting, { error }: Ending): void {
  if (error === null) waiting.resolve({ done: true, value: undefined });
  else waiting.reject(error);
}
