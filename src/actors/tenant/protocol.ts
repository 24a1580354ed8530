// What may be asked of a tenant: which subjects it has. Key: the tenant, escaped. It only reads; any key could answer, and
// each tenant asks its own, so that no one of them answers everybody.

import { protocol } from '../../runtime/actor.js';
import type { JobRow, JobStatus } from '../subject/protocol.js';

export interface SubjectListing {
  readonly subjectId: string;
  readonly episodes: number;
  readonly memories: number;
}

export interface JobPlace {
  readonly tenant: string;
  readonly jobId: string;
}

export interface ListedJob extends JobPlace {
  readonly row: JobRow;
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
  /** One job of the tenant; null where there is none. */
  readonly job: {
    readonly args: { readonly tenant: string; readonly jobId: string };
    readonly reply: { readonly job: JobRow | null };
  };
  /** Jobs behind `after`, of one tenant or of all (null). Looks at JOBS_LOOKED at most: `next` says where to go on. */
  readonly jobs: {
    readonly args: {
      readonly tenant: string | null;
      readonly status: JobStatus | null;
      readonly subjectId: string | null;
      readonly after: JobPlace | null;
      readonly limit: number;
    };
    readonly reply: { readonly jobs: readonly ListedJob[]; readonly next: JobPlace | null };
  };
  /** Tenants that have subjects, in order. */
  readonly tenants: {
    readonly args: { readonly after: string | null; readonly limit: number };
    readonly reply: { readonly tenants: readonly string[]; readonly next: string | null };
  };
};

export const tenantProtocol = protocol<TenantMessages>('tenant', ['subjects', 'totals', 'tenants', 'job', 'jobs']);

/** The key of the actor that answers for a tenant. */
export function tenantKey(tenant: string): string {
  return encodeURIComponent(tenant);
}
