// Observer thread
//
// What the observer does in its thread (src/observer.ts): reads pages of the tables, and follows the event log for streams.
//
// Owns:     its end of the port, and the tap.
// Does not: know who asks, or whether it may (front-door.ts, event-streams.ts), or open the tables.
//
// OT1. Every reading is answered once; one that fails says so, and nothing else does.

import type { MessagePort } from 'node:worker_threads';
import type { ObservedEvents } from '../../contract/observe.js';
import { CodedError, errorText, faultOf } from '../../errors.js';
import { readEventPage } from '../../runtime/event-reader.js';
import { readTap } from '../../runtime/event-tap.js';
import { trimmedUpTo } from '../../runtime/event-trim.js';
import type { StoreReader } from '../../runtime/storage/store.js';
import { lookFor } from './content-search.js';
import { observed } from './event-json.js';
import { Followers } from './followers.js';
import type { FromObserver, Looking, Reading, ToObserver } from './protocol.js';
import { readRemovals } from './removal-reader.js';
import { readEntry, readKeys } from './state-reader.js';

/** Of the events in a page, as the log has them: contents and values may be large. */
const PAGE_BYTES_MAX = 1024 * 1024;

const encoder = new TextEncoder();

/** Runs until it is told to stop; `reader` is closed then. */
export function runObserver(control: MessagePort, reader: StoreReader, archives: string): void {
  const say = (message: FromObserver): void => control.postMessage(message);
  const followers = new Followers({
    reader,
    say,
    soon: setImmediate,
    after: (delayMs, run) => setTimeout(run, delayMs),
  });
  let tap: MessagePort | undefined;

  const untap = (): void => {
    tap?.close();
    tap = undefined;
  };
  const read = (ticket: number, reading: Reading): void => {
    try {
      // As of now: whoever asks has waited until all that matters to it is in the tables.
      reader.refresh();
      const found = answerTo(reader, reading);
      const json = found === undefined ? undefined : encoder.encode(JSON.stringify(found));
      control.postMessage(
        { kind: 'read', ticket, json } satisfies FromObserver,
        json === undefined ? [] : [json.buffer],
      );
    } catch (error) {
      if (error instanceof CodedError) say({ kind: 'refused', ticket, fault: faultOf(error) });
      else say({ kind: 'failed', ticket, error: errorText(error) });
    }
  };

  const look = (ticket: number, looking: Looking): void => {
    try {
      reader.refresh();
      say({ kind: 'looked', ticket, found: lookFor(reader, looking, archives) });
    } catch (error) {
      say({ kind: 'failed', ticket, error: errorText(error) });
    }
  };

  control.on('message', (message: ToObserver) => {
    switch (message.kind) {
      case 'look':
        look(message.ticket, message.looking);
        break;
      case 'forget':
        followers.forget();
        say({ kind: 'forgotten', ticket: message.ticket });
        break;
      case 'read':
        read(message.ticket, message.reading);
        break;
      case 'tap':
        untap();
        tap = message.port;
        readTap(message.port, message.memory, followers);
        break;
      case 'untap':
        untap();
        followers.untapped();
        break;
      case 'open':
        followers.open(message.stream, message.since, message.filter);
        break;
      case 'close':
        followers.close(message.stream);
        break;
      case 'taken':
        followers.taken(message.stream);
        break;
      case 'shown':
        followers.shown();
        break;
      case 'stop':
        untap();
        void reader.close().then(() => control.close());
        break;
      default:
        message satisfies never;
    }
  });
}

function answerTo(reader: StoreReader, reading: Reading): object | undefined {
  switch (reading.kind) {
    case 'events':
      return eventsOf(reader, reading);
    case 'keys':
      return readKeys(reader, reading);
    case 'entry':
      return readEntry(reader, reading.key);
    case 'removals':
      return readRemovals(reader, reading);
    default:
      return reading satisfies never;
  }
}

function eventsOf(reader: StoreReader, { filter, since, limit }: Reading & { kind: 'events' }): ObservedEvents {
  const { types, agent } = filter;
  const archived = trimmedUpTo(reader);
  if (since !== null && since < archived) throw new CodedError('EVENTS_ARCHIVED', { archived });
  const { events, next, hasMore } = readEventPage(reader, {
    since: since ?? archived,
    limit,
    bytesMax: PAGE_BYTES_MAX,
    ...(types === undefined ? {} : { types }),
    ...(agent === undefined ? {} : { about: agent }),
  });
  return { events: events.map(observed), next_cursor: next, has_more: hasMore };
}
