// Head reader
//
// Judges a request head by one set of rules for both adapters, and keeps the few headers that anyone reads.
// One reader serves a whole listener: heads are read one after the other, never interleaved.
//
// Owns:     the bounds of a head, which headers are kept, what makes framing ambiguous.
// Does not: parse bytes (the adapters' libraries), judge handshakes (handshake.ts), or answer (the exchanges).
//
// H1. A head whose body could be framed in two ways is never passed on: `framing` flaws end the connection.
// H2. What is kept is printable ASCII, so that both adapters give the same text for the same bytes.

import { METHODS } from 'node:http';
import { type Handshake, HandshakeReader } from './handshake.js';
import { KNOWN_HEADERS, type KnownHeader, type RequestHead, TENANT_HEADER } from './request-head.js';

/** The request line and all header lines together, the separators not counted. */
export const HEAD_BYTES_MAX = 16_384;
/** Header lines of one request. */
export const HEADER_COUNT_MAX = 64;

export type HeadFlaw =
  /** Nobody can say where this request ends: it must be the last one read from its connection. */
  | { readonly kind: 'framing'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'too_large'; readonly reason: string };

/** What follows the head. `length` is undefined for a chunked body, and 0 where there is none. */
export interface ReadHead {
  readonly head: RequestHead;
  readonly bodyLength: number | undefined;
  /** The client said that this is its last request on the connection. */
  readonly closing: boolean;
  /** Undefined unless the request asks for a WebSocket. */
  readonly handshake: Handshake | undefined;
}

const knownHeaders: ReadonlySet<string> = new Set(KNOWN_HEADERS);
const methodByLowerCase: ReadonlyMap<string, string> = new Map(METHODS.map((name) => [name.toLowerCase(), name]));
/** Anything but what may stand in a path or query. The fragment sign never belongs there. */
const notTarget = /[^\x21\x22\x24-\x7e]/;
const notText = /[^\x20-\x7e\t]/;
const digits = /^[0-9]{1,15}$/;
const closeToken = /(?:^|[\s,])close(?:$|[\s,])/i;

const tooManyHeaders: HeadFlaw = { kind: 'too_large', reason: `it has more than ${HEADER_COUNT_MAX} headers` };
const tooManyBytes: HeadFlaw = { kind: 'too_large', reason: `its head is larger than ${HEAD_BYTES_MAX} bytes` };
const badValue: HeadFlaw = { kind: 'malformed', reason: 'a header value is not printable ASCII' };
const badTarget: HeadFlaw = { kind: 'malformed', reason: 'the target is not an absolute path in ASCII' };
const badMethod: HeadFlaw = { kind: 'malformed', reason: 'the method is unknown' };
const badHost: HeadFlaw = { kind: 'malformed', reason: 'there must be one Host header' };
const badLength: HeadFlaw = { kind: 'framing', reason: 'Content-Length must be given once, in digits' };
const badCoding: HeadFlaw = { kind: 'framing', reason: 'the only Transfer-Encoding taken is chunked, alone' };

type MutableHeaders = { -readonly [K in KnownHeader]?: string };

export class HeadReader {
  readonly #tenantHeader: string;
  readonly #handshake = new HandshakeReader();
  #headers: MutableHeaders = {};
  #count = 0;
  #bytes = 0;
  #hosts = 0;
  #lengths = 0;
  #coding: string | undefined;
  #closing = false;
  #flaw: HeadFlaw | undefined;

  /** `tenantHeader`: what the header is called that names a tenant, in lower case. */
  constructor(tenantHeader: string = TENANT_HEADER) {
    this.#tenantHeader = tenantHeader;
  }

  /** Forgets the request before. */
  begin(): void {
    this.#headers = {};
    this.#count = 0;
    this.#bytes = 0;
    this.#hosts = 0;
    this.#lengths = 0;
    this.#coding = undefined;
    this.#closing = false;
    this.#flaw = undefined;
    this.#handshake.begin();
  }

  /** One header line. `name` in lower case. */
  header(name: string, value: string): void {
    this.#count += 1;
    this.#bytes += name.length + value.length;
    if (knownHeaders.has(name)) {
      this.#keep(name as KnownHeader, value);
    } else if (name === this.#tenantHeader) {
      this.#keep(TENANT_HEADER, value);
    } else if (name === 'host') {
      this.#hosts += 1;
    } else if (name === 'transfer-encoding') {
      this.#coding = this.#coding === undefined ? value.toLowerCase() : `${this.#coding}, ${value}`;
    } else {
      if (name === 'connection' && closeToken.test(value)) this.#closing = true;
      this.#handshake.header(name, value);
    }
  }

  #keep(name: KnownHeader, value: string): void {
    if (notText.test(value)) this.#flaw = badValue;
    if (name === 'content-length') {
      this.#lengths += 1;
      if (!digits.test(value)) this.#lengths = Number.POSITIVE_INFINITY;
    }
    const before = this.#headers[name];
    this.#headers[name] = before === undefined ? value : `${before}, ${value}`;
  }

  /** The verdict, after the last header. `method` in any case; `ip` as given to the handler. */
  finish(method: string, path: string, query: string, ip: string): ReadHead | HeadFlaw {
    const lengthText = this.#headers['content-length'];
    if (this.#coding !== undefined && (this.#coding !== 'chunked' || lengthText !== undefined)) return badCoding;
    if (this.#lengths > 1) return badLength;
    if (this.#count > HEADER_COUNT_MAX) return tooManyHeaders;
    if (this.#bytes + path.length + query.length > HEAD_BYTES_MAX) return tooManyBytes;
    if (this.#hosts !== 1) return badHost;
    if (this.#flaw !== undefined) return this.#flaw;
    const upperCase = methodByLowerCase.get(method) ?? methodByLowerCase.get(method.toLowerCase());
    if (upperCase === undefined) return badMethod;
    if (path.charCodeAt(0) !== 0x2f || notTarget.test(path) || notTarget.test(query)) return badTarget;
    let bodyLength: number | undefined = 0;
    if (this.#coding !== undefined) bodyLength = undefined;
    else if (lengthText !== undefined) bodyLength = Number(lengthText);
    return {
      head: { method: upperCase, path, query, ip, headers: this.#headers },
      bodyLength,
      closing: this.#closing,
      handshake: this.#handshake.finish(upperCase, bodyLength),
    };
  }
}
