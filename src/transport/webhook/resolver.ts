// Resolver
//
// The addresses of a name, asked of the name servers without a thread of the process: a name server that does not answer
// holds up nobody else.

import { Resolver as DnsResolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** All addresses of a name; none when there is no such name. Rejects when the name servers do not say. */
export type Resolve = (name: string) => Promise<readonly string[]>;

const ASK_TIMEOUT_MS = 2_000;
const ASK_TRIES = 2;
/** More of one name are not looked at. */
const ADDRESSES_MAX = 16;
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

export function createResolver(): Resolve {
  const dns = new DnsResolver({ timeout: ASK_TIMEOUT_MS, tries: ASK_TRIES });
  return async (name) => {
    if (isIP(name) !== 0) return [name];
    // RFC 6761: never asked of a name server.
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1'];
    const answers = await Promise.allSettled([dns.resolve4(name), dns.resolve6(name)]);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found.slice(0, ADDRESSES_MAX);
    for (const answer of answers) if (answer.status === 'rejected' && !isNoSuchName(answer.reason)) throw answer.reason;
    return [];
  };
}

function isNoSuchName(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NO_SUCH_NAME.has(String(error.code));
}
