// Removals
//
// What an admin removes, from the request to the moment in which nothing shows it any more.
//
//     found in the log ──▶ recorded, and gone from its row: one commit ──▶ events rewritten, some at a time ──▶ seen through:
//                                                                          tables, streams, files of the journal ──▶ done
//
// Owns:     the order of the steps, and that they are finished.
// Does not: search (observation/content-search.ts), or hold content (the actors, which also record the removal).
//
// RS1. One removal at a time: what is looked for is not being removed by another. At most REMOVALS_WAITING_MAX wait.
// RS2. It is answered when nothing that reads or follows shows the content any more, and no file of the journal holds it,
//      nor any archive in its directory.
// RS3. What was recorded is finished: by this process, tried again while it fails, or by the next one.
// RS4. The same removal once more answers the first record, and makes no second event: a message is removed once, a key
//      again only when the log or the state holds another value of it.

import { agentProtocol } from '../../actors/agent/protocol.js';
import {
  type DueRemoval,
  REMOVAL_LOG,
  type Removal,
  type RemovalOrder,
  removalProtocol,
} from '../../actors/removal/protocol.js';
import { partitionOf, stateProtocol } from '../../actors/state/protocol.js';
import type { Clock, Timer } from '../../clock.js';
import { CodedError } from '../../errors.js';
import { newId, timeOfId } from '../../ids.js';
import type { Log } from '../../log.js';
import type { RemovalTarget } from '../../redaction.js';
import type { Actors, Answer } from '../../runtime/ref.js';
import type { Observation } from '../observation/observation.js';
import type { LoggedMessage, Looks } from '../observation/protocol.js';

export const REMOVALS_WAITING_MAX = 64;
/** How soon what could not be finished is tried again. */
export const RETRY_MS = 5_000;
/** Of what is due at a time. */
const DUE_PAGE = 64;
/** An id says when it was made; its event is of about that time, on a clock that may have been set since. */
const MARGIN_MS = 60_000;
const PERFORMED_BY = 'admin';

export interface RemovalsParts {
  readonly actors: Actors;
  readonly observation: Pick<Observation, 'look' | 'forget'>;
  /** All that was acknowledged is in the tables. */
  readonly settled: () => Promise<void>;
  /** No file of the journal holds what is in the tables already. */
  readonly scrubbed: () => Promise<void>;
  /** Resolves when no event leaves the tables and no archive is written, with what ends that. */
  readonly pauseArchives: () => Promise<() => void>;
  /** What waits for the socket of a session of this agent is looked through. */
  readonly redactSessions: (agent: string, messageId: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Removals {
  readonly #parts: RemovalsParts;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Nothing is due. */
  #isClean = false;
  #retry: Timer | undefined;
  #isStopping = false;

  constructor(parts: RemovalsParts) {
    this.#parts = parts;
  }

  /** The record; undefined where there is no such thing. Rejects with a CodedError when it is not done, or not known to be. */
  async remove(target: RemovalTarget, reason: string): Promise<Removal | undefined> {
    if (this.#waiting >= REMOVALS_WAITING_MAX) {
      throw new CodedError('OVERLOADED', { what: 'the removals that wait' });
    }
    return this.#inTurn(async () => {
      await this.#finishDue();
      await this.#parts.settled();
      const order: RemovalOrder = { id: newId(), reason, by: PERFORMED_BY };
      // From here on something may be due.
      this.#isClean = false;
      const removal =
        target.kind === 'message' ? await this.#beginMessage(target, order) : await this.#beginKey(target.id, order);
      await this.#finishDue();
      return removal;
    });
  }

  /** Finishes what the last process began (RS3). */
  resume(): void {
    void this.#inTurn(() => this.#finishDue()).catch(() => undefined);
  }

  /** Resolves when no step is being taken. What is left is for the next process. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#retry?.cancel();
    await this.#last.catch(() => undefined);
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#last
      .catch(() => undefined)
      .then(() => {
        if (this.#isStopping) throw new CodedError('DRAINING');
        return run();
      });
    this.#last = turn;
    try {
      return await turn;
    } catch (error) {
      if (!this.#isClean) this.#tryLater(error);
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  #tryLater(error: unknown): void {
    if (this.#isStopping || this.#retry !== undefined) return;
    this.#parts.log.warn({ event: 'removal_unfinished', error });
    this.#retry = this.#parts.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.resume();
    });
  }

  async #beginMessage(target: RemovalTarget, order: RemovalOrder): Promise<Removal | undefined> {
    const { actors } = this.#parts;
    const { removal } = await this.#look('removal', target);
    if (removal !== undefined) return removal;
    // The tables first: what leaves them meanwhile is in the archives then.
    const message = (await this.#findMessage(target.id)) ?? (await this.#lookInArchives(target, null)).message;
    if (message?.contentHash === undefined) return undefined;
    const { to, contentHash } = message;
    const seq = await this.#placeInInbox(to, target.id);
    return mustBe(
      await actors.ask(agentProtocol, to, 'remove', { messageId: target.id, seq, contentHash, order }, DURABLE),
    );
  }

  async #beginKey(key: string, order: RemovalOrder): Promise<Removal | undefined> {
    const { actors, settled } = this.#parts;
    const ask = async (loggedHash: string | null) =>
      mustBe(await actors.ask(stateProtocol, partitionOf(key), 'remove', { key, loggedHash, order }, DURABLE));
    const first = await ask(null);
    if (first.isNew) return first.removal ?? undefined;
    // Written and deleted since it was removed, or never removed and not there any more: the log may hold it.
    await settled();
    const archived = async () => (await this.#lookInArchives({ kind: 'key', id: key }, null)).contentHash;
    const loggedHash = (await this.#lastValue(key)) ?? (await archived());
    const { removal } = loggedHash === undefined ? first : await ask(loggedHash);
    return removal ?? undefined;
  }

  /** Between two slices a stop gets its turn. */
  #look: Observation['look'] = (kind, asked) => {
    if (this.#isStopping) throw new CodedError('DRAINING');
    return this.#parts.observation.look(kind, asked);
  };

  /** From about its time to the end; and what was before, should the clock have been set back. */
  async #findMessage(id: string): Promise<LoggedMessage | undefined> {
    const { seq: from } = await this.#look('time', { at: timeOfId(id) - MARGIN_MS });
    for (const [begin, until] of [
      [from, Number.POSITIVE_INFINITY],
      [0, from],
    ] as const) {
      for (let after = begin; after < until; ) {
        const { message, next, isEnd } = await this.#look('message', { id, after });
        if (message !== undefined) return message;
        if (isEnd) break;
        after = next;
      }
    }
    return undefined;
  }

  async #placeInInbox(agent: string, id: string): Promise<number | null> {
    for (let after = 0; ; ) {
      const { seq, next, isEnd } = await this.#look('inbox', { agent, id, after });
      if (seq !== undefined) return seq;
      if (isEnd) return null;
      after = next;
    }
  }

  async #lastValue(key: string): Promise<string | undefined> {
    let last: string | undefined;
    for (let after = 0; ; ) {
      const { contentHash, next, isEnd } = await this.#look('value', { key, after });
      last = contentHash ?? last;
      if (isEnd) return last;
      after = next;
    }
  }

  /** What all of them have of it: the last, where there is more than one. */
  async #lookInArchives(target: RemovalTarget, removal: string | null): Promise<InArchives> {
    let all: InArchives = { message: undefined, contentHash: undefined, isTold: false };
    for (let after = 0; ; ) {
      const { next, isEnd, ...found } = await this.#look('archives', { target, removal, after });
      const message = found.message ?? all.message;
      all = { message, contentHash: found.contentHash ?? all.contentHash, isTold: found.isTold };
      if (isEnd) return all;
      after = next;
    }
  }

  async #finishDue(): Promise<void> {
    const { actors, observation, settled, scrubbed } = this.#parts;
    while (!this.#isClean) {
      const { removals } = mustBe(await actors.ask(removalProtocol, REMOVAL_LOG, 'due', { limit: DUE_PAGE }, DURABLE));
      if (removals.length === 0) {
        this.#isClean = true;
        return;
      }
      const resume = await this.#parts.pauseArchives();
      try {
        await settled();
        for (const removal of removals) await this.#rewriteEvents(removal);
        await settled();
      } finally {
        resume();
      }
      await observation.forget();
      await scrubbed();
      for (const { id } of removals) mustBe(await actors.ask(removalProtocol, REMOVAL_LOG, 'done', { id }, DURABLE));
    }
  }

  async #rewriteEvents(removal: DueRemoval): Promise<void> {
    const { actors, redactSessions } = this.#parts;
    const { target } = removal;
    const archived = await this.#lookInArchives(target, removal.id);
    const message = target.kind === 'message' ? await this.#findMessage(target.id) : undefined;
    if (archived.message !== undefined) redactSessions(archived.message.to, target.id);
    if (archived.isTold || (target.kind === 'message' && message === undefined)) return;
    // What the agent pushed before it recorded this has arrived: it took the same way as the answer.
    if (message !== undefined) redactSessions(message.to, target.id);
    for (let after = message === undefined ? 0 : message.seq - 1; ; ) {
      const { events, next, isEnd } = await this.#look('contents', { removal, after });
      if (events.length > 0) mustBe(await actors.ask(removalProtocol, REMOVAL_LOG, 'rewrite', { events }, DURABLE));
      if (isEnd) return;
      after = next;
    }
  }
}

type InArchives = Omit<Looks['archives']['found'], 'next' | 'isEnd'>;

/** Whatever the server's own answers claim: what is removed stays removed. */
const DURABLE = { durability: 'durable' } as const;

function mustBe<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new CodedError(answer.fault.code, answer.fault.params);
  return answer.value;
}
