// Observe query: what a request or a handshake of observation asks for, or what is wrong with it.

import { AGENT_BYTES_MAX, TYPES_MAX } from '../../contract/observe.js';
import { queryValue } from '../../contract/query.js';
import { exceedsBytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';
import { badRequest } from '../kernel/text-faults.js';
import type { EventFilter } from './protocol.js';

export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export interface EventsAsked {
  /** Null when nothing was said. */
  readonly since: number | null;
  readonly filter: EventFilter;
}

const TYPE = /^[a-z][a-z0-9_]{0,63}$/;

/** `resumeAfter`: a place that stands for `since`, as it was sent; undefined for none. */
export function eventsAsked(query: string, resumeAfter?: string): Asked<EventsAsked> {
  const since = seqOf(resumeAfter ?? queryValue(query, 'since'));
  if (since === undefined) return wrong('since must be the seq of an event, or 0');
  const types = typesOf(queryValue(query, 'type'));
  if (types === undefined) return wrong(`type must be at most ${TYPES_MAX} types of events, with commas between them`);
  const agent = queryValue(query, 'agent') ?? '';
  const isMalformed = queryValue(query, 'agent') === null || exceedsBytes(agent, AGENT_BYTES_MAX);
  if (isMalformed || !agent.isWellFormed())
    return wrong(`agent must be an address of at most ${AGENT_BYTES_MAX} bytes`);
  const filter = { ...(types.length === 0 ? {} : { types }), ...(agent === '' ? {} : { agent }) };
  return { ok: true, value: { since, filter } };
}

/** Null for none; undefined for what is no place in the log. */
function seqOf(text: string | null | undefined): number | null | undefined {
  if (text === undefined || text === '') return null;
  if (text === null || !/^\d{1,16}$/.test(text)) return undefined;
  const seq = Number(text);
  return Number.isSafeInteger(seq) ? seq : undefined;
}

/** Empty for none; undefined for what names no types. */
function typesOf(text: string | null | undefined): readonly string[] | undefined {
  if (text === undefined || text === '') return [];
  const types = text?.split(',', TYPES_MAX + 1);
  return types !== undefined && types.length <= TYPES_MAX && types.every((type) => TYPE.test(type)) ? types : undefined;
}

function wrong(reason: string): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: badRequest(reason) };
}
