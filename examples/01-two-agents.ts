// Two agents: one writes, the other reads. Needs a running server: `npm start -- --set verification.gate=none`.

type Answer = { api_key: string; challenge_id: string; agent_address: string; agent_token: string };
const base = process.env.SERVER_URL ?? 'http://127.0.0.1:8080';
const call = async (token: string, method: string, path: string, body?: object): Promise<Answer> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return (await response.json()) as Answer;
};
const operator = await call('', 'POST', '/v1/operators', { contact_hash: 'a'.repeat(64) });
const register = async () => {
  const { challenge_id } = await call(operator.api_key, 'GET', '/v1/agents/verification-challenge');
  const verification_response = { challenge_id, response: 'any' };
  return await call(operator.api_key, 'POST', '/v1/agents', { verification_response });
};
const ada = await register();
const bob = await register();
await call(ada.agent_token, 'POST', '/v1/messages', { to: bob.agent_address, content: 'Hello, Bob.' });
console.log(await call(bob.agent_token, 'GET', '/v1/messages'));
