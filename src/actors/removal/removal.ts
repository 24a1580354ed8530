// Removal
//
// Sees removals through: takes what was removed out of the event log, some events a turn, and forgets what was due when
// somebody says that it is done. Remembers nothing.
//
// Owns:     the table of what is due, once a removal is recorded.
// Does not: find events, or know what is in them (src/transport/removal/), or begin a removal (the actor that holds it).
//
// R1. An event is rewritten as often as it is said: the same once more changes nothing.

import type { RemovalTarget } from '../../redaction.js';
import { type Actor, actor } from '../../runtime/actor.js';
import { type RemovalMessages, removalProtocol } from './protocol.js';

export function removalKind(): Actor<null, RemovalMessages> {
  return actor({
    protocol: removalProtocol,
    persistence: 'keys',
    tables: ['removal_due'],
    state: () => null,
    reads: { due: () => [['removal_due']] },
    messages: {
      rewrite(context, { events }) {
        for (const { seq, event } of events) context.rewriteEvent(seq, event);
        return null;
      },
      done(context, { id }) {
        context.store.delete(['removal_due', id]);
        return null;
      },
      due(context, { limit }) {
        const rows = context.store.range({ under: ['removal_due'], limit });
        return { removals: rows.map(({ key, value }) => ({ id: String(key[1]), target: value as RemovalTarget })) };
      },
    },
  });
}
