// Episodes for tests: only what matters is said.

import type { Episode, JsonObject } from '../../../../src/actors/subject/records.js';

export const START = Date.UTC(2023, 4, 8, 13, 56);
export const DAY_MS = 86_400_000;

export function episode(id: string, payload: JsonObject, more: Partial<Episode> = {}): Episode {
  return {
    id,
    subjectId: 'subject-1',
    source: 'chat',
    type: 'message',
    payload,
    metadata: {},
    provenance: {},
    sessionId: null,
    createdAt: START,
    occurredAt: null,
    ...more,
  };
}

/** What a user said, `days` after the start. */
export function said(id: string, text: string, days = 0): Episode {
  return episode(id, { messages: [{ role: 'user', content: text }] }, { createdAt: START + days * DAY_MS });
}

export function ids(prefix = 'm'): () => string {
  let count = 0;
  return () => `${prefix}${String(++count).padStart(4, '0')}`;
}
