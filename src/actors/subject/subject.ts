// Subject
//
// A user, an account, an agent, a repository: whatever things are remembered of. One actor for each, so that what is
// written of it is written in turn, and the only one that writes its rows.
//
// Owns:     the subject's episodes, memories, jobs and resolutions, and their counts.
// Does not: know who may ask, or how a request looks.

import { type Actor, actor } from '../../runtime/actor.js';
import { care } from './care.js';
import { compile, step } from './compiling.js';
import { append, newest, read } from './episodes.js';
import { abandonImport, beginImport, endImport, importPart } from './importing.js';
import { dropJob, job, resume, startJob } from './jobs.js';
import { type SubjectMessages, subjectProtocol } from './protocol.js';
import { assemble, index, saveCounts, search } from './recalling.js';
import { purge, remove } from './removal.js';
import { resolutions, resolve } from './resolutions.js';
import { activateSubject, type SubjectRules, type SubjectState } from './state.js';
import { handoff, health, sla } from './supporting.js';
import { putVectors, unembedded } from './vectors.js';

/** What all callers of one subject together may have waiting: four of the largest bodies. */
const MAILBOX = { capacity: 1_000, bytesMax: 8 * 1024 * 1024 } as const;
/** A subject without an index. */
const BARE_BYTES = 512;

export function subjectKind(rules: SubjectRules): Actor<SubjectState, SubjectMessages> {
  return actor({
    protocol: subjectProtocol,
    persistence: 'keys',
    tables: [
      'subject',
      'subject_purge',
      'episode',
      'episode_key',
      'memory',
      'memory_expiry',
      'resolution',
      'resolution_of',
      'compile_job',
      'subject_job',
      'vector',
      'vector_mark',
    ],
    mailbox: MAILBOX,
    state: (context) => activateSubject(context, rules),
    residentBytes: ({ compiling, recall }) => BARE_BYTES + compiling.residentBytes + (recall?.residentBytes ?? 0),
    mayPassivate: ({ compiling, importing }) => compiling.isIdle && importing === undefined,
    messages: {
      append,
      read,
      remove,
      purge,
      newest,
      resolve,
      resolutions,
      compile,
      startJob,
      job,
      dropJob,
      resume,
      step,
      care,
      search,
      context: assemble,
      index,
      saveCounts,
      health,
      sla,
      handoff,
      beginImport,
      importPart,
      endImport,
      abandonImport,
      unembedded,
      putVectors,
    },
  });
}
