// How well a subject is served, and what the next one must know, over both listeners.

import assert from 'node:assert/strict';
import { RFC_3339_UTC } from './expectations.js';
import { MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners } from './on-both-listeners.js';

const check = onBothListeners();

const said = (role: string, content: string, session: string, at: string) => ({
  subject_id: 'served',
  source: 'chat',
  type: 'conversation',
  payload: { messages: [{ role, content }] },
  session_id: session,
  occurred_at: at,
});

check('tells health, service levels and a handoff out of what was told', async ({ api }) => {
  const memory = new MemoryApi(api);
  const episodes = [
    said('user', 'My printer is broken. This is urgent!', 's1', '2026-01-02T10:00:00Z'),
    said('assistant', 'Please restart the printer.', 's1', '2026-01-02T10:30:00Z'),
    said('user', 'My printer is broken again, I restarted it.', 's2', '2026-01-05T10:00:00Z'),
  ];
  await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
  const resolve = (session_id: string, status: string) =>
    memory.must(200, 'POST', '/v1/resolutions', { subject_id: 'served', session_id, status });
  await resolve('s1', 'resolved');
  await resolve('s2', 'open');
  const health = await memory.must<{ subject_id: string; score: number; state: string; factors: { impact: number }[] }>(
    200,
    'GET',
    '/v1/subjects/served/health',
  );
  assert.equal(health.subject_id, 'served');
  const sum = health.factors.reduce((so, { impact }) => so + impact, 100);
  assert.equal(health.score, Math.max(0, Math.min(100, sum)));
  assert.equal(health.state, health.score >= 70 ? 'healthy' : health.score >= 40 ? 'watch' : 'at_risk');
  assert.ok(health.score < 100);
  type Sla = { total_sessions: number; first_response_breach_count: number; sessions: Record<string, unknown>[] };
  const sla = await memory.must<Sla>(200, 'GET', '/v1/subjects/served/sla');
  assert.equal(sla.total_sessions, 2);
  assert.equal(sla.sessions[0]?.first_response_seconds, 1800);
  assert.equal(sla.sessions[0]?.first_response_breached, true);
  const patient = '/v1/subjects/served/sla?first_response_threshold_minutes=1000000';
  assert.equal((await memory.must<Sla>(200, 'GET', patient)).first_response_breach_count, 0);
  const body = { subject_id: 'served', session_id: 's2', reason: 'escalation' };
  const handoff = await memory.must<Record<string, unknown>>(200, 'POST', '/v1/handoff', body);
  assert.match(String(handoff.generated_at), RFC_3339_UTC);
  assert.match(String(handoff.active_issue), /printer is broken again/);
  assert.match(String(handoff.handoff_notes), /^#/m);
  assert.equal(handoff.health_score, health.score);
  assert.equal(handoff.receipt_id, null);
  const small = await memory.must<{ token_estimate: number }>(200, 'POST', '/v1/handoff', { ...body, max_tokens: 30 });
  assert.ok(small.token_estimate <= 30);
});

check('says of nobody that they are well, and refuses what cannot be asked', async ({ api }) => {
  const memory = new MemoryApi(api);
  const nobody = { subject_id: 'no one', score: 100, state: 'healthy', factors: [] };
  assert.deepEqual(await memory.must(200, 'GET', '/v1/subjects/no%20one/health'), nobody);
  for (const path of ['/v1/subjects/x/sla?resolution_threshold_hours=0', '/v1/subjects/%ff/health']) {
    memoryRefusal(await memory.send('GET', path), 422, 'validation_error');
  }
  for (const body of [{}, { subject_id: 'x' }, { subject_id: 'x', session_id: 's', max_tokens: 0 }]) {
    memoryRefusal(await memory.send('POST', '/v1/handoff', body), 422, 'validation_error');
  }
});
