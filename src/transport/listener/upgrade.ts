// Upgrade
//
// Asks the handler of a listener what to do with one upgrade request, and keeps its answer until the handler has returned.
//
// Owns:     that there is one answer, given in the handler's own turn (S1).
// Does not: carry it out (the adapters).

import type { SoundHandshake } from './handshake.js';
import { INTERNAL_BODY, REFUSAL_HEADERS } from './refusal.js';
import type { RequestHead, ResponseHeaders } from './request-head.js';
import type { SocketHandler, UpgradeExchange, UpgradeHandler } from './socket.js';

export type UpgradeAnswer = UpgradeAccepted | UpgradeRefused;

export interface UpgradeAccepted {
  readonly kind: 'accepted';
  readonly protocol: string | undefined;
  readonly handler: SocketHandler;
}

export interface UpgradeRefused {
  readonly kind: 'refused';
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

const FAILED: UpgradeAnswer = { kind: 'refused', status: 500, headers: REFUSAL_HEADERS, body: INTERNAL_BODY };

class Upgrade implements UpgradeExchange {
  readonly head: RequestHead;
  readonly protocols: readonly string[];
  #answer: UpgradeAnswer | undefined;
  #over = false;

  constructor(head: RequestHead, handshake: SoundHandshake) {
    this.head = head;
    this.protocols = handshake.protocols;
  }

  accept(protocol: string | undefined, handler: SocketHandler): void {
    if (protocol !== undefined && !this.protocols.includes(protocol)) {
      throw new Error(`The subprotocol "${protocol}" was not offered`);
    }
    this.#settle({ kind: 'accepted', protocol, handler });
  }

  refuse(status: number, headers: ResponseHeaders, body: string): void {
    this.#settle({ kind: 'refused', status, headers, body });
  }

  #settle(answer: UpgradeAnswer): void {
    if (this.#over || this.#answer !== undefined) throw new Error('An upgrade is answered once, in its own turn');
    this.#answer = answer;
  }

  end(): UpgradeAnswer | undefined {
    this.#over = true;
    return this.#answer;
  }
}

/** What the handler answers; 500 where it throws, or says nothing. */
export function askUpgrade(
  head: RequestHead,
  handshake: SoundHandshake,
  handler: UpgradeHandler,
  onDefect: (error: unknown) => void,
): UpgradeAnswer {
  const upgrade = new Upgrade(head, handshake);
  try {
    handler(upgrade);
  } catch (error) {
    upgrade.end();
    onDefect(error);
    return FAILED;
  }
  const answer = upgrade.end();
  if (answer !== undefined) return answer;
  onDefect(new Error('An upgrade request was left without an answer'));
  return FAILED;
}
