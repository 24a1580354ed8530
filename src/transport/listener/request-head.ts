// What both ports say of a request and of an answer, apart from bodies.

export interface RequestHead {
  /** Upper case. */
  readonly method: string;
  /** As sent: not decoded, without the query. */
  readonly path: string;
  /** As sent, without the question mark; empty when there is none. */
  readonly query: string;
  /** The peer's address in text form (IPv4-mapped IPv6 is given as IPv4). */
  readonly ip: string;
  /** The headers named in KNOWN_HEADERS that were sent, and the tenant's. Repeated ones are joined by `, `. */
  readonly headers: Readonly<Partial<Record<KnownHeader, string>>>;
}

/** The only request headers that anyone here reads; an adapter copies no others. */
export const KNOWN_HEADERS = [
  'authorization',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'origin',
  'traceparent',
  'x-api-key',
  'x-forwarded-for',
  'x-request-id',
] as const;
/** Where the header that names a tenant is kept, whatever it is called on the wire. */
export const TENANT_HEADER = 'x-tenant-id';
export type KnownHeader = (typeof KNOWN_HEADERS)[number] | typeof TENANT_HEADER;

/** Header names in lower case, values already checked by the caller for line breaks. */
export type ResponseHeaders = ReadonlyArray<readonly [name: string, value: string]>;
