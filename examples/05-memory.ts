// A memory: what was said is told, compiled, and found again for a task, within a budget of tokens. Needs a running
// server: `npm start`.

const base = process.env.SERVER_URL ?? 'http://127.0.0.1:8080';
async function call<Answer>(path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

const subject_id = 'user-42';
const say = (session_id: string, occurred_at: string, name: string, content: string) =>
  call('/v1/episodes', {
    subject_id,
    session_id,
    occurred_at,
    source: 'chat',
    type: 'conversation',
    payload: { messages: [{ role: 'user', name, content }] },
  });
await say('monday', '2026-03-02T09:00:00Z', 'Ann', 'I moved to Oslo, and I work at Equinor.');
await say(
  'friday',
  '2026-03-06T17:00:00Z',
  'Ann',
  'My flight to Lisbon leaves at 7 tomorrow. I am allergic to peanuts.',
);

await call('/v1/memories/compile', { subject_id });
const task = 'Order dinner for the flight.';
const { assembled_context } = await call<{ assembled_context: string }>('/v1/context', {
  subject_id,
  task,
  max_tokens: 200,
});
console.log(assembled_context);
