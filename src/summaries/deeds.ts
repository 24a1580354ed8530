// Deeds: what one event adds to the sums.

import { decodeValue } from '../runtime/codec.js';

/** What an address can look like under any prefix. Nobody else sends, receives or writes. */
const NAME = /^[a-z0-9_]{1,64}$/;
/** Filed under an agent, and not its doing. */
const PASSIVE: ReadonlySet<string> = new Set(['message_dropped', 'agent_retired', 'content_removed']);

type Facts = Readonly<Record<string, unknown>>;

export interface Deed {
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whom it counts for: null for nobody. */
  readonly agent: string | null;
  /** Of a message that was sent: to whom. */
  readonly to: string | null;
  /** The agent was active in it. */
  readonly isActive: boolean;
}

export function deedOf(event: Uint8Array): Deed {
  const [at, type, about, data] = decodeValue(event) as [number, string, unknown, Facts];
  return deedIn(type, at, about, data);
}

export function deedIn(type: string, at: number, about: unknown, data: Facts): Deed {
  const agent = nameOrNull(about);
  return { type, at, agent, to: type === 'message_sent' ? nameOrNull(data.to) : null, isActive: !PASSIVE.has(type) };
}

function nameOrNull(text: unknown): string | null {
  return typeof text === 'string' && NAME.test(text) ? text : null;
}
