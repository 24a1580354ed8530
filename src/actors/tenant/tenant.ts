// Tenant
//
// What a tenant has, read from the rows of its subjects: it remembers and writes nothing.
//
// TN1. A question about a tenant reads rows under that tenant alone: the tenant is the first part of each key.

import { type Actor, actor, type Context, type Handler, type Key } from '../../runtime/actor.js';
import { type TenantMessages, type TenantTotals, tenantProtocol } from './protocol.js';

/** Subjects summed up in one turn. */
export const TOTALS_ROWS = 1_000;
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
    reads: { subjects: subjectsRead, totals: subjectsRead, tenants: subjectsRead },
    messages: { subjects, totals, tenants },
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
