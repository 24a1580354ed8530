// Events as observers are told them.

import { timestamp } from '../../clock.js';
import type { ObservedEvent } from '../../contract/observe.js';
import type { NumberedEvent } from '../../runtime/event-blocks.js';
import { type LoggedEvent, logged } from '../../runtime/event-reader.js';
import type { EncodedEvent } from './protocol.js';

export function encodeEvent(event: NumberedEvent): EncodedEvent {
  return encodeLogged(logged(event));
}

export function encodeLogged(event: LoggedEvent): EncodedEvent {
  const json = JSON.stringify(observed(event));
  return { seq: event.seq, json, bytes: Buffer.byteLength(json) };
}

export function observed({ seq, at, type, about, data }: LoggedEvent): ObservedEvent {
  return { seq, ts: timestamp(at), type, agent: about, data };
}
