// Memory API
//
// Calls of the memory API of a running server, as a tenant and with a key, and what they must be answered.

import assert from 'node:assert/strict';
import type { Answer, TroupeApi } from './troupe-api.js';

export interface EpisodeOf {
  readonly id: string;
  readonly subject_id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly session_id: string | null;
  readonly created_at: string;
}

export interface MemoryOf {
  readonly id: string;
  readonly kind: string;
  readonly content: string;
  readonly status: string;
  readonly valid_to: string | null;
  readonly source_episode_ids: readonly string[];
}

export interface TimelineOf {
  readonly subject_id: string;
  readonly episodes: readonly EpisodeOf[];
  readonly memories: readonly MemoryOf[];
  readonly episodes_has_more: boolean;
  readonly memories_has_more: boolean;
  readonly next_cursor: string | null;
}

export interface MemoryRefusal {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly field: string; readonly message: string }[] | null;
  readonly request_id: string;
}

export class MemoryApi {
  readonly #api: TroupeApi;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(api: TroupeApi, headers: Readonly<Record<string, string>> = {}) {
    this.#api = api;
    this.#headers = headers;
  }

  as(headers: Readonly<Record<string, string>>): MemoryApi {
    return new MemoryApi(this.#api, { ...this.#headers, ...headers });
  }

  ofTenant(tenant: string): MemoryApi {
    return this.as({ 'x-tenant-id': tenant });
  }

  send(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#api.send({ method, path, headers: this.#headers, ...(body !== undefined && { body }) });
  }

  must<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    return this.#api.must(status, { method, path, headers: this.#headers, ...(body !== undefined && { body }) });
  }

  tell(subjectId: string, text: string, more: object = {}): Promise<EpisodeOf> {
    return this.must(201, 'POST', '/v1/episodes', episode(subjectId, text, more));
  }

  timeline(subjectId: string, query = ''): Promise<TimelineOf> {
    return this.must(200, 'GET', `/v1/timeline?subject_id=${encodeURIComponent(subjectId)}${query}`);
  }

  remove(subjectId: string): Promise<{ episodes_deleted: number; memories_deleted: number }> {
    return this.must(200, 'DELETE', `/v1/subjects/${encodeURIComponent(subjectId)}`);
  }
}

export function episode(subjectId: string, text: string, more: object = {}): object {
  return { subject_id: subjectId, source: 'test', type: 'note', payload: { text }, ...more };
}

/** A refusal in the one shape that the memory API has. */
export function memoryRefusal(answer: Answer, status: number, code: string): MemoryRefusal {
  assert.equal(answer.status, status, answer.text);
  const body = JSON.parse(answer.text) as { error: MemoryRefusal };
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual(Object.keys(body.error).sort(), ['code', 'details', 'message', 'request_id']);
  assert.equal(body.error.code, code, answer.text);
  assert.equal(body.error.request_id, answer.headers['x-request-id']);
  assert.equal(answer.headers['content-type'], 'application/json');
  return body.error;
}
