// Handshake
//
// Judges the opening handshake of a WebSocket (RFC 6455, section 4.2.1) by one set of rules for both adapters. Like the
// head reader, which feeds it, one serves a whole listener.
//
// Owns:     what makes a request one for a WebSocket, what such a request must hold, the subprotocols it offers.
// Does not: choose a subprotocol (the handler), or answer (the adapters).
//
// HS1. A request that asks for another protocol is a request like others: some clients offer h2c with each first one.
// HS2. A sound handshake is a GET without a body, of version 13, with one key of 16 bytes and subprotocols that are
//      tokens and differ. Extensions are never looked at.

export type Handshake = SoundHandshake | FlawedHandshake;

export interface SoundHandshake {
  readonly kind: 'sound';
  readonly key: string;
  /** In the client's order. */
  readonly protocols: readonly string[];
}

export interface FlawedHandshake {
  readonly kind: 'flawed';
  /** 426 where another version of the protocol is spoken. */
  readonly status: 400 | 426;
  readonly reason: string;
}

export const WEBSOCKET_VERSION = '13';

const upgradeToken = /(?:^|[\s,])upgrade(?:$|[\s,])/i;
/** 16 bytes in base64. */
const keyText = /^[+/0-9A-Za-z]{22}==$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_PROTOCOLS: readonly string[] = [];

const badMethod: FlawedHandshake = { kind: 'flawed', status: 400, reason: 'a WebSocket begins with GET, and no body' };
const badVersion: FlawedHandshake = {
  kind: 'flawed',
  status: 426,
  reason: `Sec-WebSocket-Version must be given once, as ${WEBSOCKET_VERSION}`,
};
const badKey: FlawedHandshake = {
  kind: 'flawed',
  status: 400,
  reason: 'Sec-WebSocket-Key must be given once, as 16 bytes in base64',
};
const badProtocols: FlawedHandshake = {
  kind: 'flawed',
  status: 400,
  reason: 'Sec-WebSocket-Protocol must be tokens that differ, with commas between them',
};

/** Whether an Upgrade header, of all its lines, asks for a WebSocket. */
export function asksWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

export class HandshakeReader {
  #connects = false;
  #upgrade: string | undefined;
  #key: string | undefined;
  #version: string | undefined;
  #protocols: string | undefined;

  /** Forgets the request before. */
  begin(): void {
    this.#connects = false;
    this.#upgrade = undefined;
    this.#key = undefined;
    this.#version = undefined;
    this.#protocols = undefined;
  }

  /** One header line that the head reader does not keep. `name` in lower case. */
  header(name: string, value: string): void {
    switch (name) {
      case 'connection':
        this.#connects ||= upgradeToken.test(value);
        break;
      case 'upgrade':
        this.#upgrade = joined(this.#upgrade, value);
        break;
      case 'sec-websocket-key':
        this.#key = joined(this.#key, value);
        break;
      case 'sec-websocket-version':
        this.#version = joined(this.#version, value);
        break;
      case 'sec-websocket-protocol':
        this.#protocols = joined(this.#protocols, value);
        break;
    }
  }

  /** The verdict, after the last header; undefined for a request like others (HS1). `method` in upper case. */
  finish(method: string, bodyLength: number | undefined): Handshake | undefined {
    if (!this.#connects || !asksWebSocket(this.#upgrade)) return undefined;
    if (method !== 'GET' || bodyLength !== 0) return badMethod;
    if (this.#version !== WEBSOCKET_VERSION) return badVersion;
    const key = this.#key;
    if (key === undefined || !keyText.test(key)) return badKey;
    if (this.#protocols === undefined) return { kind: 'sound', key, protocols: NO_PROTOCOLS };
    const protocols = this.#protocols.split(',').map((name) => name.trim());
    if (!protocols.every((name) => token.test(name)) || new Set(protocols).size < protocols.length) return badProtocols;
    return { kind: 'sound', key, protocols };
  }
}

/** Of a header that was repeated. What must be given once is refused for the comma. */
function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
