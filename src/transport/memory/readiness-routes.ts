// Readiness: whether what the memory API needs is there, a row for each.
//
// RD1. Anyone may ask, and an answer costs one read by one actor: however often it is asked, it is asked of the store once at
//      a time.

import { tenantKey, tenantProtocol } from '../../actors/tenant/protocol.js';
import type { Readiness } from '../../contract/memory.js';
import { errorMessage } from '../../errors.js';
import type { Embeddings } from './embeddings.js';
import type { MemoryContext } from './memory-context.js';
import type { MemoryHandler, MemoryHandlers } from './memory-door.js';

/** A store that does not answer for so long is not there. */
const STORE_TIMEOUT_MS = 5_000;

export function readinessRoutes(): Pick<MemoryHandlers, 'ready' | 'readyToo'> {
  let asking: Promise<Readiness> | undefined;
  const ready: MemoryHandler = async (context, call) => {
    if (context.draining()) return call.refuseFault({ code: 'DRAINING' });
    asking ??= askStore(context).finally(() => {
      asking = undefined;
    });
    const readiness = await asking;
    call.json(readiness.status === 'ready' ? 200 : 503, readiness);
  };
  return { ready, readyToo: ready };
}

async function askStore({ actors, clock, embeddings }: MemoryContext): Promise<Readiness> {
  const begun = clock.monotonic();
  const options = { timeoutMs: STORE_TIMEOUT_MS, durability: 'volatile' } as const;
  const answer = await actors.ask(tenantProtocol, tenantKey(''), 'tenants', { after: null, limit: 1 }, options);
  const latency_ms = Math.round((clock.monotonic() - begun) * 1000) / 1000;
  const error = answer.ok ? null : errorMessage(answer.fault.code, answer.fault.params);
  return {
    status: answer.ok ? 'ready' : 'not_ready',
    dependencies: [
      { name: 'store', status: answer.ok ? 'ok' : 'failed', latency_ms, error },
      ...(embeddings === null ? [] : [embeddingRow(embeddings)]),
    ],
  };
}

/** Without vectors things are found by words: the server is ready all the same. */
function embeddingRow({ health }: Embeddings): Readiness['dependencies'][number] {
  return {
    name: 'embeddings',
    status: health.isFailing ? 'failed' : 'ok',
    latency_ms: Math.round(health.latencyMs * 1000) / 1000,
    error: health.isFailing ? 'The last vectors that were asked for were not had.' : null,
  };
}
