// Archive search
//
// Looks through the archives of old events for one message or one key, a file at a time, and takes what was removed out of
// them. For whoever keeps the archivist from writing meanwhile.
//
// AS1. A file is replaced in one step, or stays as it was (archive-file.ts, AF1): whoever is cut off begins again.
// AS2. What comes behind the event that tells of a removal is none of it: a key may have had values since.

import { REMOVED_EVENT } from '../../actors/removal/protocol.js';
import { listArchives, readArchive, rewriteArchive } from '../../archive/archive-file.js';
import type { ObservedEvent } from '../../contract/observe.js';
import { contentHash, contentIn, type EventContent, placeOf, redactEvent } from '../../redaction.js';
import type { LoggedMessage, Looks } from './protocol.js';

/** Throws a StorageError for an archive that is damaged: what it holds is not known. */
export function lookInArchives(directory: string, asked: Looks['archives']['asked']): Looks['archives']['found'] {
  const { target, removal, after } = asked;
  const { type, name } = placeOf(target);
  const file = listArchives(directory).find(({ last }) => last > after);
  let message: LoggedMessage | undefined;
  let last: string | undefined;
  let isTold = false;
  const visit = (event: ObservedEvent): ObservedEvent => {
    const { data } = event as EventContent;
    if (isTold) return event;
    isTold = removal !== null && event.type === REMOVED_EVENT && data.removal_id === removal;
    if (event.type !== type || data[name] !== target.id) return event;
    const content = contentIn(event as EventContent, target);
    last = content ?? last;
    const hash = content === undefined ? undefined : contentHash(content);
    if (target.kind === 'message') message = { seq: event.seq, to: String(data.to), contentHash: hash };
    return redactEvent(event as ObservedEvent & EventContent, target) ?? event;
  };
  if (file !== undefined && removal === null) for (const event of readArchive(file)) visit(event);
  if (file !== undefined && removal !== null) rewriteArchive(file, visit);
  const isEnd = file === undefined || isTold;
  return { next: file?.last ?? after, isEnd, message, isTold, contentHash: last && contentHash(last) };
}
