// What may be asked of a tenant: which subjects it has. Key: the tenant, escaped. It only reads; any key could answer, and
// each tenant asks its own, so that no one of them answers everybody.

import { protocol } from '../../runtime/actor.js';

export interface SubjectListing {
  readonly subjectId: string;
  readonly episodes: number;
  readonly memories: number;
}

export interface TenantTotals {
  readonly subjects: number;
  readonly episodes: number;
  readonly memories: number;
  readonly bytes: number;
  readonly compiles: number;
  readonly contexts: number;
}

export type TenantMessages = {
  /** In the order of their ids, after `after` or after the first `offset`. */
  readonly subjects: {
    readonly args: {
      readonly tenant: string;
      readonly after: string | null;
      readonly offset: number;
      readonly limit: number;
    };
    readonly reply: {
      readonly subjects: readonly SubjectListing[];
      readonly next: string | null;
      readonly total: number;
    };
  };
  /** The sums over the next TOTALS_ROWS subjects; `next` null at the end. */
  readonly totals: {
    readonly args: { readonly tenant: string; readonly after: string | null };
    readonly reply: { readonly totals: TenantTotals; readonly next: string | null };
  };
  /** Tenants that have subjects, in order. */
  readonly tenants: {
    readonly args: { readonly after: string | null; readonly limit: number };
    readonly reply: { readonly tenants: readonly string[]; readonly next: string | null };
  };
};

export const tenantProtocol = protocol<TenantMessages>('tenant', ['subjects', 'totals', 'tenants']);

/** The key of the actor that answers for a tenant. */
export function tenantKey(tenant: string): string {
  return encodeURIComponent(tenant);
}
