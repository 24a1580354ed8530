// What many tests expect of an answer or a text, and how they wait for what takes its time.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from './troupe-api.js';

const DEADLINE_MS = 10_000;
const LOOK_EVERY_MS = 5;

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** The body of an answer with this status. */
export function bodyOf<T>(answer: Answer, status: number): T {
  assert.equal(answer.status, status, answer.text);
  return JSON.parse(answer.text) as T;
}

export interface Refused {
  readonly error: string;
  readonly message: string;
  readonly detail?: string;
}

/** A refusal in the one shape that all have. */
export function refusalOf(answer: Answer, status: number, code: string): Refused {
  const body = bodyOf<Refused>(answer, status);
  assert.equal(body.error, code, answer.text);
  assert.ok(typeof body.message === 'string' && body.message.length > 0, answer.text);
  const members = Object.keys(body).filter((name) => name !== 'detail');
  assert.deepEqual(members.sort(), ['error', 'message'], answer.text);
  assert.ok(body.detail === undefined || typeof body.detail === 'string', answer.text);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.ok(answer.headers['x-request-id'], 'a refusal has a request id');
  return body;
}

/** Resolves when the condition holds; fails when it does not in time. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `not within ${DEADLINE_MS} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
