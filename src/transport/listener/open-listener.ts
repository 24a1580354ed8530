// Picks the adapter that a listener runs on.

import { isLoopback } from '../../config.js';
import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { openNodeListener } from './node-listener.js';
import { takesSplitLine as probeSplitLine } from './split-line-probe.js';
import { openUwsListener } from './uws-listener.js';

/**
 * auto: uws, but node where the native build of uws does not load, and, on any address but a loopback one, where that
 * build refuses a request line that arrives in two packets. On loopback lines arrive as they were written.
 */
export type AdapterChoice = 'auto' | 'uws' | 'node';

export interface OpenListenerParts {
  /** Told in one line when `auto` had to take the slower adapter. */
  readonly warn: (line: string) => void;
  readonly openUws?: (options: ListenerOptions, handler: RequestHandler) => Promise<Listener>;
  /** Whether the build of uws takes a request line in two pieces. Asked only where `auto` needs to know. */
  readonly takesSplitLine?: () => Promise<boolean>;
}

/** Makes a listener; nothing is bound before its listen(). Rejects only when `uws` was asked for and does not load. */
export async function openListener(
  choice: AdapterChoice,
  options: ListenerOptions,
  handler: RequestHandler,
  { warn, openUws = openUwsListener, takesSplitLine = probeSplitLine }: OpenListenerParts,
): Promise<Listener> {
  switch (choice) {
    case 'node':
      return openNodeListener(options, handler);
    case 'uws':
      return openUws(options, handler);
    case 'auto':
      try {
        if (isLoopback(options.host) || (await takesSplitLine())) return await openUws(options, handler);
        warn(fallback('this build of it refuses a request line that arrives in two packets'));
      } catch (error) {
        warn(fallback(firstLine(error)));
      }
      return openNodeListener(options, handler);
    default:
      return choice satisfies never;
  }
}

function fallback(reason: string): string {
  return `uWebSockets.js cannot serve here, so the slower node:http listener does: ${reason}`;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] as string;
}
