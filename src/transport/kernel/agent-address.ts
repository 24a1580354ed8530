// Agent address
//
// What an address can look like at all, under any prefix: what cannot is nobody's, and no actor is asked about it.

import type { Fault } from '../../errors.js';

/** The longest prefix of the config and the 20 characters after it, with room. */
const ADDRESS_CHARS_MAX = 64;

export const NO_AGENT: Fault = { code: 'NOT_FOUND', params: { what: 'agent' } };

/** Whether a text has 1 to ADDRESS_CHARS_MAX of [a-z0-9_]. */
export function isAgentAddress(text: string): boolean {
  if (text.length === 0 || text.length > ADDRESS_CHARS_MAX) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const letter = code >= 0x61 && code <= 0x7a;
    const digit = code >= 0x30 && code <= 0x39;
    if (!letter && !digit && code !== 0x5f) return false;
  }
  return true;
}
