// Reads
//
// Makes events of what was read, where the config says that reads are logged (event_log.reads). It keeps nothing: whoever
// tells it has answered the readers already (transport/kernel/read-log.ts).
//
// RD1. Each read told is one event, in the order told, all of a message in one commit.

import { type Actor, actor } from '../../runtime/actor.js';
import { type ReadsMessages, readsProtocol } from './protocol.js';

export function readsKind(): Actor<null, ReadsMessages> {
  return actor({
    protocol: readsProtocol,
    persistence: 'keys',
    tables: [],
    state: () => null,
    messages: {
      log: (context, { reads }) => {
        for (const read of reads) {
          const { by } = read;
          if (read.kind === 'registry') context.emit('registry_read', by, { read_by: by });
          else context.emit('state_read', by, { key: read.key, read_by: by, found: read.found });
        }
        return null;
      },
    },
  });
}
