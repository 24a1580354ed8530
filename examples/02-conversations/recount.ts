// Recount
//
// Reads the whole shared state over the API at the end of a run: what each key holds, and whether the server's own
// counters say the same.

import { CORRUPT, machineTimeMs, type Read, type Recount, readStamp } from './observation.js';
import type { TroupeApi } from './troupe-api.js';

/** `numberKeys` hold plain numbers; all other keys hold stamped texts. Costs one GET for each key. */
export async function recountState(
  api: TroupeApi,
  token: string,
  numberKeys: ReadonlySet<string>,
): Promise<{ readonly recount: Recount; readonly reads: readonly Read[] }> {
  const capacity = await api.must({ method: 'GET', path: '/v1/state/_capacity', token }, 200);
  const { keys, total } = await listKeys(api, token);
  const numbers: Record<string, number> = {};
  const reads: Read[] = [];
  let countedBytes = 0;
  for (const key of keys) {
    const startedAt = machineTimeMs();
    const entry = await api.must({ method: 'GET', path: `/v1/state/${encodeURIComponent(key)}`, token }, 200);
    const value = String(entry.body.value);
    countedBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (numberKeys.has(key)) numbers[key] = Number(value);
    else reads.push({ key, value: readStamp(value) ?? CORRUPT, startedAt, endedAt: machineTimeMs() });
  }
  return {
    reads,
    recount: {
      usedBytes: { said: Number(capacity.body.used_bytes), counted: countedBytes },
      keyCount: { said: Number(capacity.body.key_count), counted: keys.length },
      listTotal: { said: total, counted: keys.length },
      numbers,
    },
  };
}

async function listKeys(
  api: TroupeApi,
  token: string,
): Promise<{ readonly keys: readonly string[]; readonly total: number }> {
  const keys: string[] = [];
  let cursor: string | null = null;
  for (;;) {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await api.must({ method: 'GET', path: `/v1/state?limit=100${after}`, token }, 200);
    keys.push(...(page.body.keys as string[]));
    cursor = page.body.next_cursor as string | null;
    if (cursor === null) return { keys, total: Number(page.body.total) };
  }
}
