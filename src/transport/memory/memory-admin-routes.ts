// Memory admin routes: what tenants have. The sums are made of one slice of subjects after the other.

import { type TenantTotals, tenantKey, tenantProtocol } from '../../actors/tenant/protocol.js';
import {
  type Dashboard,
  TENANTS_LIMIT_DEFAULT,
  TENANTS_LIMIT_MAX,
  type TenantList,
  type Usage,
} from '../../contract/memory.js';
import { CodedError } from '../../errors.js';
import { cursorOf } from '../kernel/page-cursor.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { readCursor, readQueryNumber } from './memory-reader.js';

/** A cursor says `t` before the tenant, which may be `''`. */
const CURSOR_BYTES_MAX = 129;
const NOTHING: TenantTotals = { subjects: 0, episodes: 0, memories: 0, bytes: 0, compiles: 0, contexts: 0 };

async function usage(context: MemoryContext, call: MemoryCall): Promise<void> {
  call.json(200, await usageOf(context, call.caller.tenant));
}

async function listTenants(context: MemoryContext, call: MemoryCall): Promise<void> {
  const bounds = { min: 1, max: TENANTS_LIMIT_MAX, fallback: TENANTS_LIMIT_DEFAULT };
  const limit = readQueryNumber(call, 'limit', bounds);
  if (limit === undefined) return;
  const after = readCursor(call, CURSOR_BYTES_MAX);
  if (after === undefined) return;
  const page = await tenantsAfter(context, after === null ? null : after.slice(1), limit);
  const tenants: Usage[] = [];
  for (const tenant of page.tenants) tenants.push(await usageOf(context, tenant));
  const body: TenantList = { tenants, next_cursor: page.next === null ? null : cursorOf(`t${page.next}`) };
  call.json(200, body);
}

async function dashboard(context: MemoryContext, call: MemoryCall): Promise<void> {
  let tenants = 0;
  let sum = NOTHING;
  let after: string | null = null;
  do {
    const page = await tenantsAfter(context, after, TENANTS_LIMIT_MAX);
    for (const tenant of page.tenants) sum = added(sum, await totalsOf(context, tenant));
    tenants += page.tenants.length;
    after = page.next;
  } while (after !== null);
  const body: Dashboard = { tenants, ...sum };
  call.json(200, body);
}

async function usageOf(context: MemoryContext, tenant: string): Promise<Usage> {
  return { tenant_id: tenant === '' ? null : tenant, ...(await totalsOf(context, tenant)) };
}

async function totalsOf(context: MemoryContext, tenant: string): Promise<TenantTotals> {
  let sum = NOTHING;
  let after: string | null = null;
  do {
    const args: { tenant: string; after: string | null } = { tenant, after };
    const answer = await context.actors.ask(tenantProtocol, tenantKey(tenant), 'totals', args, askOptions(context));
    if (!answer.ok) throw new CodedError(answer.fault.code, answer.fault.params);
    sum = added(sum, answer.value.totals);
    after = answer.value.next;
  } while (after !== null);
  return sum;
}

async function tenantsAfter(
  context: MemoryContext,
  after: string | null,
  limit: number,
): Promise<{ readonly tenants: readonly string[]; readonly next: string | null }> {
  const answer = await context.actors.ask(
    tenantProtocol,
    tenantKey(''),
    'tenants',
    { after, limit },
    askOptions(context),
  );
  if (!answer.ok) throw new CodedError(answer.fault.code, answer.fault.params);
  return answer.value;
}

function added(a: TenantTotals, b: TenantTotals): TenantTotals {
  return {
    subjects: a.subjects + b.subjects,
    episodes: a.episodes + b.episodes,
    memories: a.memories + b.memories,
    bytes: a.bytes + b.bytes,
    compiles: a.compiles + b.compiles,
    contexts: a.contexts + b.contexts,
  };
}

export const memoryAdminRoutes = { usage, listTenants, dashboard } satisfies Partial<MemoryHandlers>;
