// An operator that exists, in a world of its own, and agents that it registered.

import { type OperatorConfig, operatorKind } from '../../../src/actors/operator/operator.js';
import type { OperatorMessages } from '../../../src/actors/operator/protocol.js';
import type { OperatorState } from '../../../src/actors/operator/state.js';
import { type ActorDouble, World } from '../turn-double.js';

export type OperatorDouble = ActorDouble<OperatorState, OperatorMessages>;

export const EXPIRY_MS = 300_000;

export function operatorConfig(type: OperatorConfig['gate']['type'] = 'none'): OperatorConfig {
  return { gate: { type, difficultyBits: 8 }, challengeExpiryMs: EXPIRY_MS };
}

export function credential(name: string) {
  return { lookupId: `lookup-${name}`, tokenHash: `hash-${name}` };
}

export function newOperator(world = new World(), type: OperatorConfig['gate']['type'] = 'none', id = 'op-1') {
  const operator = world.actor(operatorKind(operatorConfig(type)), id);
  operator.answer('create', { contactHash: `contact-${id}`, credential: credential(id), sealed: null });
  return { world, operator };
}

/** Registers an agent through the gate `none`; its name is its place in the order too. */
export function register(operator: OperatorDouble, name: string): string {
  const { challengeId } = operator.answer('challenge', null);
  return operator.answer('register', {
    challengeId,
    response: '',
    address: `tab_${name}`,
    order: name,
    credential: credential(name),
    sealed: null,
  }).address;
}
