// Members of bodies: missing, of a wrong type, and of every size around each bound.

import { BAD, NOT_FOUND, type RefusalCase, TOO_LARGE, type Told, UNVERIFIED } from './case.js';
import type { RefusalWorld } from './world.js';

const MIB = 1_048_576;
const CONTENT_BYTES_MAX = 65_536;
const RESPONSE_BYTES_MAX = 65_536;
/** Two bytes in UTF-8, one unit in JavaScript. */
const E = 'é';
/** Four bytes in UTF-8, two units in JavaScript. */
const FACE = '\u{1f600}';
const HALVES = ['\\ud800', '\\udc00', 'a\\ud83d', '\\ude00\\ud83d', '\\uD800\\uD800'];

/** What is no text, as JSON. */
const NO_TEXTS = ['null', 'true', '0', '-1', '1.5', '1e308', '9'.repeat(400), '[]', '["x"]', '{}', '{"length":1}'];

type Make = (body: string, told: Told) => RefusalCase;

export function wrongMembers(world: RefusalWorld): readonly RefusalCase[] {
  return [
    ...operatorMembers(),
    ...registrationMembers(world),
    ...messageMembers(world),
    ...batchMembers(world),
    ...ackMembers(world),
    ...stateMembers(world),
    ...webhookMembers(world),
  ];
}

function maker(name: string, request: Pick<RefusalCase, 'method' | 'path' | 'as'>): Make {
  return (body, told) => ({ what: `${name} ${body.slice(0, 60)} (${body.length})`, ...request, body, told });
}

function operatorMembers(): readonly RefusalCase[] {
  const make = maker('operator', { method: 'POST', path: '/v1/operators' });
  const hash = (text: string, told: Told) => make(`{"contact_hash":${JSON.stringify(text)}}`, told);
  return [
    ...NO_TEXTS.map((json) => make(`{"contact_hash":${json}}`, BAD)),
    ...HALVES.map((half) => make(`{"contact_hash":"${half}"}`, BAD)),
    make('{"contact-hash":"x"}', BAD),
    make('{"contact_hash":"x","contact_hash":1}', BAD),
    make('{"contact_hash":1,"contact_hash":"x"}', [201]),
    hash('', BAD),
    hash('x', [201]),
    hash('x'.repeat(256), [201]),
    hash('x'.repeat(257), BAD),
    hash(E.repeat(128), [201]),
    hash(`${E.repeat(128)}x`, BAD),
    hash(FACE.repeat(64), [201]),
    hash(FACE.repeat(65), BAD),
    hash('x'.repeat(MIB), BAD),
    hash('\0'.repeat(256), [201]),
  ];
}

function registrationMembers({ operator, spent, failed, stranger }: RefusalWorld): readonly RefusalCase[] {
  const make = maker('register', { method: 'POST', path: '/v1/agents', as: operator.api_key });
  const answer = (challenge_id: unknown, response: unknown, told: Told) =>
    make(JSON.stringify({ verification_response: { challenge_id, response } }), told);
  const whole = `"verification_response":{"challenge_id":"x","response":"x"}`;
  return [
    ...NO_TEXTS.map((json) => make(`{"verification_response":{"challenge_id":${json},"response":"x"}}`, BAD)),
    ...NO_TEXTS.map((json) => make(`{"verification_response":{"challenge_id":"x","response":${json}}}`, BAD)),
    ...['null', '"x"', '1', '[]', '[{"challenge_id":"x","response":"x"}]'].map((json) =>
      make(`{"verification_response":${json}}`, BAD),
    ),
    ...HALVES.map((half) => make(`{"verification_response":{"challenge_id":"${half}","response":"x"}}`, BAD)),
    ...HALVES.map((half) => make(`{"verification_response":{"challenge_id":"x","response":"${half}"}}`, BAD)),
    make('{"verification_response":{"challenge_id":"x"}}', BAD),
    make('{"verification_response":{"response":"x"}}', BAD),
    make('{"challenge_id":"x","response":"x"}', BAD),
    make(`{${whole},"webhook_url":"http://example.test/"}`, BAD),
    make(`{${whole},"webhook_url":""}`, BAD),
    make(`{${whole},"webhook_url":false}`, BAD),
    make(`{${whole},"webhook_url":{}}`, BAD),
    make(`{${whole},"webhook_url":null}`, UNVERIFIED),
    answer('', '', UNVERIFIED),
    answer('x'.repeat(64), 'x', UNVERIFIED),
    answer('x'.repeat(65), 'x', BAD),
    answer(`${E.repeat(32)}x`, 'x', BAD),
    answer('x'.repeat(MIB), 'x', BAD),
    answer('x', 'x'.repeat(RESPONSE_BYTES_MAX), UNVERIFIED),
    answer('x', 'x'.repeat(RESPONSE_BYTES_MAX + 1), BAD),
    answer('x', 'x'.repeat(MIB), BAD),
    answer('__proto__', 'x', UNVERIFIED),
    answer('constructor', 'x', UNVERIFIED),
    answer('\0', '\0', UNVERIFIED),
    answer('00000000-0000-7000-8000-000000000000', 'x', UNVERIFIED),
    answer(spent.challenge_id, spent.response, UNVERIFIED),
    answer(failed.challenge_id, failed.response, UNVERIFIED),
    answer(stranger.challenge.challenge_id, stranger.challenge.response, UNVERIFIED),
    answer(spent.challenge_id.toUpperCase(), spent.response, UNVERIFIED),
  ];
}

function messageMembers({ agent, stranger, retired }: RefusalWorld): readonly RefusalCase[] {
  const make = maker('message', { method: 'POST', path: '/v1/messages', as: agent.agent_token });
  const to = stranger.agent.agent_address;
  const send = (address: unknown, content: unknown, told: Told) => make(JSON.stringify({ to: address, content }), told);
  const nobodies = ['', ' ', 'x', 'tab_', to.toUpperCase(), `${to} `, ` ${to}`, `${to}0`, to.slice(0, -1), `${to}\0`];
  return [
    ...NO_TEXTS.map((json) => make(`{"to":${json},"content":"x"}`, BAD)),
    ...NO_TEXTS.map((json) => make(`{"to":"${to}","content":${json}}`, BAD)),
    ...HALVES.map((half) => make(`{"to":"${to}","content":"${half}"}`, BAD)),
    ...HALVES.map((half) => make(`{"to":"${half}","content":"x"}`, NOT_FOUND)),
    make(`{"to":"${to}"}`, BAD),
    make('{"content":"x"}', BAD),
    make(`{"to":["${to}"],"content":"x"}`, BAD),
    make(`{"to":"${to}","content":"x","content":null}`, BAD),
    ...[...nobodies, '__proto__', 'constructor', '../admin', 'operator/x', 'é', 'a'.repeat(64), 'a'.repeat(65)].map(
      (address) => send(address, 'x', NOT_FOUND),
    ),
    send('x'.repeat(MIB), 'x', NOT_FOUND),
    send(retired.agent_address, 'x', NOT_FOUND),
    send(to, '', BAD),
    send(to, 'x', [202]),
    send(to, '\0', [202]),
    send(to, 'x'.repeat(CONTENT_BYTES_MAX), [202]),
    send(to, 'x'.repeat(CONTENT_BYTES_MAX + 1), TOO_LARGE),
    send(to, E.repeat(CONTENT_BYTES_MAX / 2), [202]),
    send(to, `${E.repeat(CONTENT_BYTES_MAX / 2)}x`, TOO_LARGE),
    send(to, FACE.repeat(CONTENT_BYTES_MAX / 4), [202]),
    send(to, FACE.repeat(CONTENT_BYTES_MAX / 4 + 1), TOO_LARGE),
    send(to, 'x'.repeat(MIB), TOO_LARGE),
    send(agent.agent_address, 'to itself', [202]),
  ];
}

function batchMembers({ agent, stranger }: RefusalWorld): readonly RefusalCase[] {
  const make = maker('batch', { method: 'POST', path: '/v1/messages/batch', as: agent.agent_token });
  const item = { to: stranger.agent.agent_address, content: 'x' };
  const batch = (items: readonly unknown[], told: Told) => make(JSON.stringify({ messages: items }), told);
  return [
    ...['null', '"x"', '1', '{}', '{"0":{}}', '{"length":1}'].map((json) => make(`{"messages":${json}}`, BAD)),
    ...[null, 'x', 1, true, [], [item], {}, { to: item.to }, { content: 'x' }].map((one) => batch([item, one], BAD)),
    ...[null, 1, [], {}].map((content) => batch([item, { ...item, content }], BAD)),
    ...[null, 1, [], {}].map((to) => batch([item, { ...item, to }], BAD)),
    ...HALVES.map((half) => make(`{"messages":[{"to":"${item.to}","content":"${half}"}]}`, BAD)),
    batch([], BAD),
    batch([item], [200]),
    batch(Array(100).fill(item), [200]),
    batch(Array(101).fill(item), BAD),
    batch(Array(10_000).fill(item), BAD),
    make(`{"messages":[${'0,'.repeat(1_000_000)}0]}`, BAD),
    make(`{"messages":[${'{},'.repeat(600_000)}0]}`, BAD),
    make(`{"messages":[${'[],'.repeat(600_000)}0]}`, BAD),
    batch([{ ...item, to: 'nobody' }], [200]),
    batch([{ ...item, content: '' }], BAD),
    batch([item, { ...item, content: 'x'.repeat(CONTENT_BYTES_MAX + 1) }], TOO_LARGE),
    batch([{ ...item, content: 'x'.repeat(CONTENT_BYTES_MAX) }], [200]),
  ];
}

function ackMembers({ agent }: RefusalWorld): readonly RefusalCase[] {
  const make = maker('ack', { method: 'POST', path: '/v1/messages/ack', as: agent.agent_token });
  const ack = (ids: readonly unknown[], told: Told) => make(JSON.stringify({ message_ids: ids }), told);
  return [
    ...['null', '"x"', '1', '{}', '{"length":1}'].map((json) => make(`{"message_ids":${json}}`, BAD)),
    ...NO_TEXTS.map((json) => make(`{"message_ids":["x",${json}]}`, BAD)),
    ...HALVES.map((half) => make(`{"message_ids":["${half}"]}`, BAD)),
    ack([], BAD),
    ack([''], [200]),
    ack(['__proto__', 'constructor', 'x', 'x'], [200]),
    ack(['x'.repeat(64), E.repeat(32), '\0'.repeat(64)], [200]),
    ack(['x'.repeat(65)], BAD),
    ack([`${E.repeat(32)}x`], BAD),
    ack(['x'.repeat(MIB)], BAD),
    ack(Array(1000).fill('x'), [200]),
    ack(Array(1001).fill('x'), BAD),
    ack(Array(100_000).fill('x'), BAD),
    make(`{"message_ids":[${'0,'.repeat(1_000_000)}0]}`, BAD),
  ];
}

function stateMembers({ agent }: RefusalWorld): readonly RefusalCase[] {
  const make = maker('state', { method: 'PUT', path: '/v1/state/sized', as: agent.agent_token });
  const put = (value: unknown, told: Told) => make(JSON.stringify({ value }), told);
  return [
    ...NO_TEXTS.map((json) => make(`{"value":${json}}`, BAD)),
    ...HALVES.map((half) => make(`{"value":"${half}"}`, BAD)),
    make('{"value":"x","value":1}', BAD),
    make('{"value":1,"value":"x"}', [200]),
    make('{"value":"x","__proto__":null,"constructor":1,"toString":[]}', [200]),
    ...[4_000, 9_000].map((depth) => make(`{"value":"x","deep":${'['.repeat(depth)}${']'.repeat(depth)}}`, [200])),
    ...[11_000, 100_000].map((depth) => make(`{"value":"x","deep":${'['.repeat(depth)}${']'.repeat(depth)}}`, BAD)),
    make(`{"value":"x"${Array.from({ length: 100_000 }, (_, i) => `,"m${i}":1`).join('')}}`, BAD),
    put('', [200]),
    put('\0', [200]),
    put('x'.repeat(MIB), [200]),
    put('x'.repeat(MIB + 1), TOO_LARGE),
    put(E.repeat(MIB / 2), [200]),
    put(`${E.repeat(MIB / 2)}x`, TOO_LARGE),
    put(FACE.repeat(MIB / 4), [200]),
    put(FACE.repeat(MIB / 4 + 1), TOO_LARGE),
    make(`{"value":"x"${' '.repeat(2 * MIB - 13)}}`, [200]),
    make(`{"value":"x"${' '.repeat(2 * MIB - 12)}}`, TOO_LARGE),
    make(`{"value":"x"${' '.repeat(5 * MIB)}}`, TOO_LARGE),
  ];
}

function webhookMembers({ agent, operator }: RefusalWorld): readonly RefusalCase[] {
  const path = `/v1/agents/${agent.agent_address}/webhook`;
  const make = maker('webhook', { method: 'PUT', path, as: operator.api_key });
  const urls = [
    '',
    'hook',
    'http://example.test/',
    'ftp://example.test/',
    'https://me:secret@example.test/',
    'https://127.0.0.1/',
    'https://0x7f000001/',
    'https://localhost/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
    `https://93.184.215.14/${'x'.repeat(2048)}`,
    '\u0000',
    '\ud800',
  ];
  return [
    ...['{}', 'null', '[]', '{"webhook_url":1}'].map((body) => make(body, BAD)),
    ...urls.map((url) => make(`{"webhook_url":"${url}"}`, BAD)),
    make('{"webhook_url":null}', [200]),
  ];
}
