// Memory access
//
// Who calls the memory API, and what of it is theirs.
//
// MA1. A caller is of one tenant: the one that it names, or that its key is bound to. A key that is bound is refused any
//      other, as a key that is none.
// MA2. An agent reaches the subject that has its address for an id, in no tenant, and no other.
// MA3. Where there are keys, nobody is let in without one, but agents and the admin.

import type { AuthOutcome } from '../gate/authenticator.js';
import type { Caller, MemoryCall } from './memory-call.js';
import type { MemoryContext } from './memory-context.js';
import { invalid, type MemoryFault, memoryFaultOf } from './memory-fault.js';

export type Admission =
  | { readonly ok: true; readonly caller: Caller; readonly keyId: string | undefined }
  | { readonly ok: false; readonly fault: MemoryFault };

const AGENT_TOKEN = /^bearer at_live_/i;
const TENANT = /^[\x21-\x7e]{1,128}$/;
const NO_KEY: MemoryFault = { code: 'missing_api_key', message: 'The X-API-Key header is needed.' };
const WRONG_KEY: MemoryFault = { code: 'invalid_api_key', message: 'The API key is not valid.' };
const NO_TENANT_OF_AGENTS: MemoryFault = { code: 'invalid_api_key', message: 'An agent is of no tenant.' };

/** For a route that needs a key. At once, or, for an agent's token, when it was verified. */
export function admitCaller(context: MemoryContext, call: MemoryCall): Admission | Promise<Admission> {
  const { headers } = call.exchange.head;
  const tenant = namedTenant(context, call);
  if (typeof tenant === 'object' && tenant !== null) return { ok: false, fault: tenant };
  const given = headers['x-api-key'];
  if (given === undefined && AGENT_TOKEN.test(headers.authorization ?? '')) return admitAgent(context, call, tenant);
  return admitKey(context, given, tenant);
}

/** For an admin's route: it may look into any tenant, and names the one that it means. */
export function admitAdmin(context: MemoryContext, call: MemoryCall): Admission | Promise<Admission> {
  const tenant = namedTenant(context, call);
  if (typeof tenant === 'object' && tenant !== null) return { ok: false, fault: tenant };
  const outcome = context.authenticator.authenticate('admin', call.exchange.head.headers.authorization);
  return settled(outcome, () => ({
    ok: true,
    caller: { tenant: tenant ?? '', ownSubject: null },
    keyId: undefined,
  }));
}

function admitKey({ memory }: MemoryContext, given: string | undefined, tenant: string | null): Admission {
  const { keys, requireTenant } = memory;
  const key = given === undefined ? undefined : keys.find(given);
  if (keys.areNeeded) {
    if (given === undefined) return { ok: false, fault: NO_KEY };
    if (key === undefined) return { ok: false, fault: WRONG_KEY };
    if (key.tenant !== null && tenant !== null && key.tenant !== tenant) return { ok: false, fault: WRONG_KEY };
  }
  const scope = key?.tenant ?? tenant;
  if (scope === null && requireTenant) {
    return { ok: false, fault: { code: 'missing_tenant', message: `The ${memory.tenantHeader} header is needed.` } };
  }
  return { ok: true, caller: { tenant: scope ?? '', ownSubject: null }, keyId: key?.id };
}

function admitAgent(context: MemoryContext, call: MemoryCall, tenant: string | null): Admission | Promise<Admission> {
  if (tenant !== null) return { ok: false, fault: NO_TENANT_OF_AGENTS };
  const outcome = context.authenticator.authenticate('agent', call.exchange.head.headers.authorization);
  return settled(outcome, (id) => ({ ok: true, caller: { tenant: '', ownSubject: id }, keyId: `agent ${id}` }));
}

function settled(
  outcome: AuthOutcome | Promise<AuthOutcome>,
  admit: (id: string) => Admission,
): Admission | Promise<Admission> {
  const enter = (done: AuthOutcome): Admission => {
    if (done.ok) return admit(done.principal.id);
    if (done.fault.code === 'UNAUTHORIZED') return { ok: false, fault: NO_KEY };
    return { ok: false, fault: memoryFaultOf(done.fault) };
  };
  return outcome instanceof Promise ? outcome.then(enter) : enter(outcome);
}

/** The tenant that the request names: null for none, a fault for what cannot be one's name. */
function namedTenant({ memory }: MemoryContext, call: MemoryCall): string | null | MemoryFault {
  const name = call.exchange.head.headers['x-tenant-id'];
  if (name === undefined || name === '') return null;
  return TENANT.test(name) ? name : invalid(memory.tenantHeader, 'a tenant is 1 to 128 visible ASCII characters');
}
