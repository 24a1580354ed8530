// Memory rules
//
// What the rows of subjects must be. Rows of a life that is over may be left, for as long as it is said to be purged.

import type { JobRow, VectorMark } from '../actors/subject/protocol.js';
import type { ShelfRow, SubjectRow } from '../actors/subject/state.js';
import type { Key } from '../runtime/actor.js';
import type { AuditRule } from './audit-rule.js';
import type { Audit } from './findings.js';

/** What was counted of one shelf of one subject. */
interface Recount {
  life: string;
  rows: number;
  lastSeq: number;
}

export function memoryRules(audit: Audit): [string, AuditRule][] {
  return [
    // In the order of the keys: the shelves are counted before the subjects that tell how many there are.
    ['episode', shelfRule(audit, 'episodes', 'lastEpisode')],
    ['episode_key', keyRule(audit, 'episode')],
    ['memory', shelfRule(audit, 'memories', 'lastMemory')],
    ['memory_expiry', expiryRule(audit)],
    ['compile_job', jobRule(audit)],
    ['subject_job', jobOfSubjectRule(audit)],
    ['resolution', shelfRule(audit, undefined, 'lastResolution')],
    ['resolution_of', keyRule(audit, 'resolution')],
    ['subject', subjectRule(audit)],
    ['subject_purge', purgeRule(audit)],
    ['vector', vectorRule(audit)],
    ['vector_mark', vectorMarkRule(audit)],
  ];
}

/** The subject that a row belongs to; undefined when its life is over, which is reported unless it is being purged. */
function livingSubject(audit: Audit, key: Key): SubjectRow | undefined {
  const [, tenant, subjectId, life] = key;
  const subject = audit.lookup(['subject', tenant!, subjectId!]) as SubjectRow | undefined;
  if (subject?.life === life) return subject;
  if (audit.lookup(['subject_purge', tenant!, subjectId!, life!]) === undefined) {
    audit.report(key, 'it is of no subject that there is, and nobody removes it');
  }
  return undefined;
}

function shelfRule(
  audit: Audit,
  count: 'episodes' | 'memories' | undefined,
  last: 'lastEpisode' | 'lastMemory' | 'lastResolution',
): AuditRule {
  let recount: Recount | undefined;
  let subject: SubjectRow | undefined;
  let subjectKey: Key = ['subject'];

  const close = () => {
    if (recount === undefined || subject === undefined) return;
    if (count !== undefined && recount.rows !== subject[count]) {
      audit.report(subjectKey, `it has ${subject[count]} ${count}; a recount gives ${recount.rows}`);
    }
    if (recount.lastSeq > subject[last]) audit.report(subjectKey, `it has a row ahead of its ${last}`);
  };

  return {
    row: (key, value) => {
      const [, tenant, subjectId, life, seq] = key;
      const id = JSON.stringify([tenant, subjectId, life]);
      if (recount?.life !== id) {
        close();
        recount = { life: id, rows: 0, lastSeq: 0 };
        subject = livingSubject(audit, key);
        subjectKey = ['subject', tenant!, subjectId!];
      }
      const [at, json] = value as ShelfRow;
      recount.rows++;
      recount.lastSeq = Number(seq);
      const record = JSON.parse(json) as { readonly subject_id?: unknown };
      if (record.subject_id !== subjectId) audit.report(key, 'it names another subject');
      if (!Number.isFinite(at)) audit.report(key, 'it has no time');
    },
    end: close,
  };
}

/** Of rows that lead to one of the subject's. */
function keyRule(audit: Audit, table: 'episode' | 'resolution'): AuditRule {
  return {
    row: (key, value) => {
      const [, tenant, subjectId, life] = key;
      if (livingSubject(audit, key) === undefined) return;
      const found = audit.lookup([table, tenant!, subjectId!, life!, value as number]);
      if (found === undefined) audit.report(key, `there is no ${table} for it`);
    },
  };
}

function expiryRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      if (livingSubject(audit, key) === undefined) return;
      const [, tenant, subjectId, life, end, seq] = key;
      const row = audit.lookup(['memory', tenant!, subjectId!, life!, seq!]) as ShelfRow | undefined;
      const memory =
        row === undefined ? undefined : (JSON.parse(row[1]) as { status: string; valid_to: string | null });
      const ends = memory?.status === 'active' && memory.valid_to !== null && Date.parse(memory.valid_to) === end;
      if (!ends) audit.report(key, 'no active memory ends then');
    },
  };
}

function vectorRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      if (livingSubject(audit, key) === undefined) return;
      const [, tenant, subjectId, life, , shelf, seq] = key;
      const record = audit.lookup([shelf as 'episode' | 'memory', tenant!, subjectId!, life!, seq!]);
      if (record === undefined) audit.report(key, `there is no ${shelf} for it`);
    },
  };
}

function vectorMarkRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const subject = livingSubject(audit, key);
      const { memoriesTo, episodesTo } = value as VectorMark;
      const isAhead = subject !== undefined && (memoriesTo > subject.lastMemory || episodesTo > subject.lastEpisode);
      if (isAhead) audit.report(key, 'it is ahead of its subject');
    },
  };
}

function jobRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const [, tenant, jobId] = key;
      const { subjectId } = value as JobRow;
      if (!audit.hasAnyUnder(['subject_job', tenant!, subjectId, jobId!]))
        audit.report(key, 'its subject has no such job');
    },
  };
}

function jobOfSubjectRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      const [, tenant, subjectId, jobId] = key;
      const job = audit.lookup(['compile_job', tenant!, jobId!]) as JobRow | undefined;
      if (job?.subjectId !== subjectId) audit.report(key, 'there is no such job of this subject');
    },
  };
}

function subjectRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const { life, episodes, memories, compiledTo, lastEpisode } = value as SubjectRow;
      const [, tenant, subjectId] = key;
      if (episodes > 0 !== audit.hasAnyUnder(['episode', tenant!, subjectId!, life])) {
        audit.report(key, `it has ${episodes} episodes, and its rows say otherwise`);
      }
      if (memories > 0 !== audit.hasAnyUnder(['memory', tenant!, subjectId!, life])) {
        audit.report(key, `it has ${memories} memories, and its rows say otherwise`);
      }
      if (compiledTo > lastEpisode) audit.report(key, 'it is compiled further than it has episodes');
    },
  };
}

function purgeRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      const [, tenant, subjectId, life] = key;
      const subject = audit.lookup(['subject', tenant!, subjectId!]) as SubjectRow | undefined;
      if (subject?.life === life) audit.report(key, 'it says that a life is over which is not');
    },
  };
}
