// Puts the outlet together out of the config, and starts it.

import type { Config } from '../../config-schema.js';
import { version } from '../../version.js';
import { type OutletParts, WebhookOutlet } from './outlet.js';

export interface OutletOptions extends Omit<OutletParts, 'inFlightMax' | 'data'> {
  readonly config: Pick<Config, 'webhooks'>;
}

export function openOutlet({ config, ...parts }: OutletOptions): WebhookOutlet {
  const { allowPrivate, connectTimeoutMs, timeoutMs, inFlightMax } = config.webhooks;
  const outlet = new WebhookOutlet({
    ...parts,
    inFlightMax,
    data: {
      allowPrivate,
      connectTimeoutMs,
      timeoutMs,
      // Agents may share a receiver, and then all slots may be there.
      connectionsMax: inFlightMax,
      userAgent: `troupe/${version}`,
    },
  });
  outlet.start();
  return outlet;
}
