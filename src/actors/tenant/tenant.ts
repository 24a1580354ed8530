// Tenant
//
// What a tenant has, read from the rows of its subjects: it remembers and writes nothing.
//
// TN1. A question about a tenant reads rows under that tenant alone: the tenant is the first part of each key.

import { type Actor, actor, type Context, type Handler, type Key } from '../../runtime/actor.js';
import type { JobRow } from '../subject/protocol.js';
import { type JobPlace, type ListedJob, type TenantMessages, type TenantTotals, tenantProtocol } from './protocol.js';

/** Subjects summed up in one turn. */
export const TOTALS_ROWS = 1_000;
/** Jobs looked at in one turn. */
export const JOBS_LOOKED = 1_000;
/** Sorts behind every text. */
const PAST_TEXTS = Uint8Array.of();

/** The part of a subject's row that is listed. */
interface ListedRow {
  readonly episodes: number;
  readonly memories: number;
  readonly bytes: number;
  readonly compiles: number;
  readonly contexts: number;
}

type On<K extends keyof TenantMessages> = Handler<null, TenantMessages, K>;

export function tenantKind(): Actor<null, TenantMessages> {
  const subjectsRead = () => [['subject']] as const;
  return actor({
    protocol: tenantProtocol,
    persistence: 'keys',
    state: () => null,
    reads: {
      subjects: subjectsRead,
      totals: subjectsRead,
      tenants: subjectsRead,
      job: (_key, { tenant, jobId }) => [['compile_job', tenant, jobId]],
      jobs: () => [['compile_job']],
    },
    messages: { subjects, totals, tenants, job, jobs },
  });
}

/** The total costs a walk over the tenant's keys, and an offset one over those that it skips. */
const subjects: On<'subjects'> = (context, { tenant, after, offset, limit }) => {
  const under: Key = ['subject', tenant];
  const from = after ?? skipped(context, under, offset);
  const total = context.store.count({ under });
  if (from === undefined) return { subjects: [], next: null, total };
  const rows = context.store.range({ under, limit: limit + 1, ...(from !== null && { after: [...under, from] }) });
  const page = rows.slice(0, limit).map(({ key, value }) => {
    const { episodes, memories } = value as ListedRow;
    return { subjectId: String(key[2]), episodes, memories };
  });
  return { subjects: page, next: rows.length > limit ? page.at(-1)!.subjectId : null, total };
};

/** The last id that an offset skips: null for none, undefined when it skips all. */
function skipped(context: Context<null, TenantMessages>, under: Key, offset: number): string | null | undefined {
  let after: Key | undefined;
  for (let left = offset; left > 0; left -= TOTALS_ROWS) {
    const limit = Math.min(left, TOTALS_ROWS);
    const keys = context.store.rangeKeys({ under, limit, ...(after !== undefined && { after }) });
    if (keys.length < limit) return undefined;
    after = keys.at(-1);
  }
  return after === undefined ? null : String(after[2]);
}

const totals: On<'totals'> = (context, { tenant, after }) => {
  const under: Key = ['subject', tenant];
  const rows = context.store.range({ under, limit: TOTALS_ROWS, ...(after !== null && { after: [...under, after] }) });
  const sum: TenantTotals = rows.reduce(
    (so, { value }) => {
      const row = value as ListedRow;
      return {
        subjects: so.subjects + 1,
        episodes: so.episodes + row.episodes,
        memories: so.memories + row.memories,
        bytes: so.bytes + row.bytes,
        compiles: so.compiles + row.compiles,
        contexts: so.contexts + row.contexts,
      };
    },
    { subjects: 0, episodes: 0, memories: 0, bytes: 0, compiles: 0, contexts: 0 },
  );
  return { totals: sum, next: rows.length < TOTALS_ROWS ? null : String(rows.at(-1)!.key[2]) };
};

const job: On<'job'> = (context, { tenant, jobId }) => ({
  job: (context.store.get(['compile_job', tenant, jobId]) as JobRow | undefined) ?? null,
});

const jobs: On<'jobs'> = (context, { tenant, status, subjectId, after, limit }) => {
  const found: ListedJob[] = [];
  const rows = context.store.range({
    under: tenant === null ? ['compile_job'] : ['compile_job', tenant],
    limit: JOBS_LOOKED,
    ...(after !== null && { after: ['compile_job', after.tenant, after.jobId] }),
  });
  for (const { key, value } of rows) {
    const place: JobPlace = { tenant: String(key[1]), jobId: String(key[2]) };
    const row = value as JobRow;
    if ((status !== null && row.status !== status) || (subjectId !== null && row.subjectId !== subjectId)) continue;
    found.push({ ...place, row });
    if (found.length === limit) return { jobs: found, next: place };
  }
  const last = rows.length < JOBS_LOOKED ? undefined : rows.at(-1)?.key;
  return { jobs: found, next: last === undefined ? null : { tenant: String(last[1]), jobId: String(last[2]) } };
};

/** Costs one look for each tenant, however many subjects it has. */
const tenants: On<'tenants'> = (context, { after, limit }) => {
  const found: string[] = [];
  let last = after;
  while (found.length < limit) {
    const from: Key | undefined = last === null ? undefined : ['subject', last, PAST_TEXTS];
    const [key] = context.store.rangeKeys({ under: ['subject'], limit: 1, ...(from !== undefined && { after: from }) });
    if (key === undefined) return { tenants: found, next: null };
    last = String(key[1]);
    found.push(last);
  }
  return { tenants: found, next: last };
};
