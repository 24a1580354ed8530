// What may be said to a courier: who carries attempts out of the shards, to the sender of the process. Key: its number.

import { protocol, type Streamed } from '../../runtime/actor.js';
import type { Attempt } from '../endpoint/protocol.js';

export type CourierMessages = {
  /** The sender's: attempts come out of it, until another one attaches. */
  readonly attach: { readonly args: null; readonly reply: Streamed<Attempt> };
  readonly send: { readonly args: Attempt; readonly reply: null };
};

export const courierProtocol = protocol<CourierMessages>('courier', ['attach', 'send']);

/** The courier that an endpoint's attempts go through: the same one always, so that they stay in order. */
export function courierOf(endpoint: string, couriers: number): string {
  let hash = 0;
  for (let i = 0; i < endpoint.length; i++) hash = Math.imul(hash ^ endpoint.charCodeAt(i), 0x01000193);
  return String((hash >>> 0) % couriers);
}
