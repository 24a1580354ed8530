// Token
//
// The format of the three bearer tokens: `sk_live_` (operator), `at_live_` (agent) or `ad_live_` (admin), then 32 random
// bytes as 64 lower-case hex digits. The first 16 digits are the lookup id: an index, not a secret.

import { hash, randomBytes } from 'node:crypto';

export type Role = 'operator' | 'agent' | 'admin';

export interface BearerToken {
  readonly role: Role;
  /** The whole token, prefix included: a secret. It goes to the hash pool and nowhere else. */
  readonly token: string;
  /** As parsed, a slice that keeps the whole header in memory: who keeps it for long makes a copy. */
  readonly lookupId: string;
}

const ROLE_PREFIX: Readonly<Record<Role, string>> = { operator: 'sk_live_', agent: 'at_live_', admin: 'ad_live_' };
const PREFIX_CHARS = 8;
const SECRET_BYTES = 32;
const LOOKUP_CHARS = 16;
const TOKEN_CHARS = PREFIX_CHARS + 2 * SECRET_BYTES;
const SCHEME = 'bearer';
/** Where the token begins: after the scheme and one space. */
const TOKEN_START = SCHEME.length + 1;

/** A new token. The caller shows it once, keeps its hash, and forgets it. */
export function mintToken(role: Role): BearerToken {
  const secret = randomBytes(SECRET_BYTES);
  // Not a slice of the token: that would keep the token in memory for as long as anyone keeps the lookup id.
  const lookupId = secret.toString('hex', 0, LOOKUP_CHARS / 2);
  return { role, token: ROLE_PREFIX[role] + secret.toString('hex'), lookupId };
}

/** The token of an `Authorization` header, or undefined unless it is exactly `Bearer <token>`. Allocates nothing before. */
export function parseBearer(header: string | undefined): BearerToken | undefined {
  if (header === undefined || header.length !== TOKEN_START + TOKEN_CHARS) return undefined;
  for (let i = 0; i < SCHEME.length; i++) {
    // Setting this bit makes an ASCII letter lower case, and makes a letter of nothing else.
    if ((header.charCodeAt(i) | 0x20) !== SCHEME.charCodeAt(i)) return undefined;
  }
  return header[SCHEME.length] === ' ' ? parseTokenAt(header, TOKEN_START) : undefined;
}

/** The same for a token on its own, as a config holds it. */
export function parseToken(text: string): BearerToken | undefined {
  return text.length === TOKEN_CHARS ? parseTokenAt(text, 0) : undefined;
}

/** The lookup id of a header, for whoever keeps it; undefined unless the header is exactly `Bearer <token>`. */
export function lookupIdOf(header: string): string | undefined {
  const bearer = parseBearer(header);
  return bearer === undefined ? undefined : ownCopy(bearer.lookupId);
}

/** V8 makes a slice by pointing into its parent: kept as it is, a lookup id would keep the whole token in memory. */
export function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The SHA-256 of a token in base64url: what a cache may hold in its place. About 0.25 µs. */
export function tokenDigest(token: string): string {
  return hash('sha256', token, 'base64url');
}

/** `text` ends where the token that begins at `start` would. */
function parseTokenAt(text: string, start: number): BearerToken | undefined {
  const role = roleAt(text, start);
  if (role === undefined) return undefined;
  const secret = start + PREFIX_CHARS;
  for (let i = secret; i < text.length; i++) {
    if (!isLowerHex(text.charCodeAt(i))) return undefined;
  }
  return { role, token: text.slice(start), lookupId: text.slice(secret, secret + LOOKUP_CHARS) };
}

function roleAt(text: string, start: number): Role | undefined {
  if (text.startsWith(ROLE_PREFIX.agent, start)) return 'agent';
  if (text.startsWith(ROLE_PREFIX.operator, start)) return 'operator';
  return text.startsWith(ROLE_PREFIX.admin, start) ? 'admin' : undefined;
}

function isLowerHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}
