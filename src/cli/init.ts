// troupe init
//
// What a newcomer would have to do by hand: an operator, its challenge, an agent, and three calls that work.

import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { solveChallenge } from '../client/challenge-solver.js';
import { type Command, print, readArguments, single } from './command.js';
import { call, serverUrl, text } from './server-call.js';

export const init: Command = async (args) => {
  const given = readArguments(args, ['url', 'contact']);
  const base = serverUrl(single(given, 'url'));
  const contactHash = createHash('sha256')
    .update(single(given, 'contact') ?? userInfo().username)
    .digest('hex');

  const operator = await call(base, { method: 'POST', path: '/v1/operators', body: { contact_hash: contactHash } });
  const token = text(operator, 'api_key');
  const challenge = await call(base, { method: 'GET', path: '/v1/agents/verification-challenge', token });
  const response = solveChallenge(text(challenge, 'challenge_type'), challenge.challenge_data);
  const agent = await call(base, {
    method: 'POST',
    path: '/v1/agents',
    token,
    body: { verification_response: { challenge_id: text(challenge, 'challenge_id'), response } },
  });
  const address = text(agent, 'agent_address');
  const agentToken = text(agent, 'agent_token');

  print(`operator ${text(operator, 'operator_id')}`);
  print(`operator token ${token}`);
  print(`agent ${address}`);
  print(`agent token ${agentToken}`);
  print('The tokens are shown only this once: keep them. Three calls to try:');
  print('');
  const auth = `-H 'Authorization: Bearer ${agentToken}'`;
  const json = "-H 'Content-Type: application/json'";
  print(`curl -s -X POST ${base}/v1/messages ${auth} ${json} -d '{"to":"${address}","content":"Hello, me"}'`);
  print(`curl -s ${base}/v1/messages ${auth}`);
  print(`curl -s -X PUT ${base}/v1/state/greeting ${auth} ${json} -d '{"value":"Hello, all"}'`);
  return 0;
};
