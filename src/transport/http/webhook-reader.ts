// Webhook reader: the webhook that a call asks for, with a secret of its own.

import type { NewWebhook } from '../../actors/operator/protocol.js';
import { destinationFault, readWebhookUrl } from '../webhook/destination.js';
import { newWebhookSecret } from '../webhook/signature.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { isWhole } from './request-reader.js';

/** Null where none is asked for; undefined after it has answered the call with what is wrong. Looks the name up. */
export async function readWebhook(
  { destinations }: Pick<HttpContext, 'destinations'>,
  call: Call,
  text: string | null,
): Promise<NewWebhook | null | undefined> {
  if (text === null) return null;
  if (!isWhole(call, 'webhook_url', text)) return undefined;
  const url = readWebhookUrl(text, destinations.allowPrivate);
  const fault = url instanceof URL ? await destinationFault(url, destinations) : url.fault;
  if (url instanceof URL && fault === undefined) return { url: url.href, secret: newWebhookSecret() };
  call.badRequest(`webhook_url cannot be used: ${fault}`);
  return undefined;
}
