// Wrong tokens of every kind, at every door that needs one.

import { type Header, type RefusalCase, UNAUTHORIZED } from './case.js';
import { type Door, doorsOf } from './doors.js';
import { type RefusalWorld, tokenFor } from './world.js';

const ZEROS = '0'.repeat(64);
const PREFIXES = { operator: 'sk_live_', agent: 'at_live_', admin: 'ad_live_' } as const;

export function wrongTokens(world: RefusalWorld): readonly RefusalCase[] {
  return doorsOf(world).flatMap((door) => {
    if (door.auth === 'none') return [];
    const good = tokenFor(world, door.auth) as string;
    const prefix = PREFIXES[door.auth];
    const headers: readonly (readonly [what: string, ...values: string[]])[] = [
      ['no token'],
      ['an empty header', ''],
      ['a scheme alone', 'Bearer'],
      ['a scheme and a space', 'Bearer '],
      ['a token that is none', 'Bearer x'],
      ['a token without a scheme', good],
      ['another scheme', `Basic ${good}`],
      ['an unknown token', `Bearer ${prefix}${ZEROS}`],
      ['a token in upper case', `Bearer ${prefix}${good.slice(prefix.length).toUpperCase()}`],
      ['a prefix in upper case', `Bearer ${prefix.toUpperCase()}${good.slice(prefix.length)}`],
      ['the prefix of no one', `Bearer xx_live_${good.slice(prefix.length)}`],
      ['two spaces', `Bearer  ${good}`],
      ['a tab for a space', `Bearer\t${good}`],
      ['a token that is too short', `Bearer ${good.slice(0, -1)}`],
      ['a token that is too long', `Bearer ${good}0`],
      ['a token of 10,000 digits', `Bearer ${prefix}${'0'.repeat(10_000)}`],
      ['a right lookup id and a wrong rest', `Bearer ${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`],
      ['a token in quotes', `Bearer "${good}"`],
      ['a token with a parameter', `Bearer ${good}, realm="x"`],
      ['the same header twice', `Bearer ${good}`, `Bearer ${good}`],
      ['a wrong header before the right one', 'Bearer x', `Bearer ${good}`],
      ...otherRoles(world, door),
    ];
    return headers.map(([what, ...values]) => refused(door, what, values));
  });
}

function otherRoles(world: RefusalWorld, { auth }: Door): readonly (readonly [string, string])[] {
  const all: readonly (readonly [string, string])[] = (['operator', 'agent', 'admin'] as const)
    .filter((role) => role !== auth)
    .map((role) => [`the token of the ${role}`, `Bearer ${tokenFor(world, role)}`]);
  if (auth !== 'agent') return all;
  return [
    ...all,
    ['the token of a retired agent', `Bearer ${world.retired.agent_token}`],
    ['a token that was rotated', `Bearer ${world.rotatedToken}`],
  ];
}

function refused(door: Door, what: string, values: readonly string[]): RefusalCase {
  const headers: Header[] = values.map((value) => ['Authorization', value]);
  const body = door.takesBody ? { body: '{}' } : {};
  return {
    what: `${what} at ${door.name}`,
    method: door.method,
    path: door.path,
    headers,
    ...body,
    told: UNAUTHORIZED,
  };
}
