// Summary places
//
// Where a page of the summaries ended, as its cursor says it. Undefined for a text that no page ended with.

import { isAgentAddress } from '../kernel/agent-address.js';
import type { EdgePlace, PeerPlace } from './summary-protocol.js';

/** The number of an event. */
export function agentPlace(text: string): number | undefined {
  return countOf(text);
}

export function peerPlace(text: string): PeerPlace | undefined {
  const [first = '', peer = '', ...rest] = text.split(' ');
  const weight = countOf(first);
  return weight !== undefined && isAgentAddress(peer) && rest.length === 0 ? { weight, peer } : undefined;
}

export function edgePlace(text: string): EdgePlace | undefined {
  const [first = '', from = '', to = '', ...rest] = text.split(' ');
  const count = countOf(first);
  const isEdge = count !== undefined && isAgentAddress(from) && isAgentAddress(to) && rest.length === 0;
  return isEdge ? { count, from, to } : undefined;
}

/** A number from 1 on, written as we write it. */
function countOf(text: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  const count = Number(text);
  return Number.isSafeInteger(count) ? count : undefined;
}
