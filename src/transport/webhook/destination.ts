// Destination
//
// Whether a webhook's URL is good, and the address that a connection to it goes to.
//
// DE1. A name is resolved once, and the address that was checked is the one that is returned: nobody can change it between.
// DE2. When one of the addresses of a name is refused, all are.

import { WEBHOOK_URL_BYTES_MAX } from '../../contract/operator.js';
import { isAdmitted } from './address-rules.js';
import type { Resolve } from './resolver.js';

export interface DestinationRules {
  readonly allowPrivate: boolean;
  readonly resolve: Resolve;
}

/** The URL in a text, or why it is none that a webhook can have. The text of the fault does not repeat it. */
export function readWebhookUrl(text: string, allowPrivate: boolean): URL | { readonly fault: string } {
  if (Buffer.byteLength(text) > WEBHOOK_URL_BYTES_MAX)
    return { fault: `it has more than ${WEBHOOK_URL_BYTES_MAX} bytes` };
  if (!URL.canParse(text)) return { fault: 'it is no URL' };
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return { fault: 'it must be https' };
  if (url.username !== '' || url.password !== '') return { fault: 'it must not hold a user or a password' };
  return url;
}

/** Why a URL cannot be registered; undefined when it can. A name that nobody knows just now can: it is looked up again. */
export async function destinationFault(
  url: URL,
  { allowPrivate, resolve }: DestinationRules,
): Promise<string | undefined> {
  const addresses = await resolve(hostOf(url)).catch((): readonly string[] => []);
  return addresses.every((ip) => isAdmitted(ip, allowPrivate)) ? undefined : 'its address is not a public one';
}

/** The address to connect to; undefined when there is none, or it is refused. Rejects as `resolve` does. */
export async function addressOf(url: URL, { allowPrivate, resolve }: DestinationRules): Promise<string | undefined> {
  const addresses = await resolve(hostOf(url));
  return addresses.every((ip) => isAdmitted(ip, allowPrivate)) ? addresses[0] : undefined;
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
