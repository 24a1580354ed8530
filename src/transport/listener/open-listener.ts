// Picks the adapter that a listener runs on.

import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { openNodeListener } from './node-listener.js';
import { openUwsListener } from './uws-listener.js';

/** auto: uws where its native build loads, node where it does not. */
export type AdapterChoice = 'auto' | 'uws' | 'node';

export interface OpenListenerParts {
  /** Told in one line when `auto` had to take the slower adapter. */
  readonly warn: (line: string) => void;
  readonly openUws?: (options: ListenerOptions, handler: RequestHandler) => Promise<Listener>;
}

/** Makes a listener; nothing is bound before its listen(). Rejects only when `uws` was asked for and does not load. */
export async function openListener(
  choice: AdapterChoice,
  options: ListenerOptions,
  handler: RequestHandler,
  { warn, openUws = openUwsListener }: OpenListenerParts,
): Promise<Listener> {
  switch (choice) {
    case 'node':
      return openNodeListener(options, handler);
    case 'uws':
      return openUws(options, handler);
    case 'auto':
      try {
        return await openUws(options, handler);
      } catch (error) {
        warn(`uWebSockets.js does not load here, so the slower node:http listener is used: ${firstLine(error)}`);
        return openNodeListener(options, handler);
      }
    default:
      return choice satisfies never;
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] as string;
}
