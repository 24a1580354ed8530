// Text faults
//
// What a text of the right type may still be refused for. Each gives the fault, or undefined when nothing is wrong.

import { exceedsBytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';

/** `member` names the content in the fault. */
export function contentFault(member: string, content: string, bytesMax: number): Fault | undefined {
  if (exceedsBytes(content, bytesMax)) return { code: 'VALUE_TOO_LARGE', params: { what: `The ${member}`, bytesMax } };
  return wholeFault(member, content);
}

/** What is stored is whole Unicode. */
export function wholeFault(member: string, text: string): Fault | undefined {
  return text.isWellFormed() ? undefined : badRequest(`${member} holds half of a surrogate pair`);
}

/** A key of the shared state has 1 to `bytesMax` bytes, none of them NUL. */
export function stateKeyFault(key: string, bytesMax: number): Fault | undefined {
  if (key === '' || exceedsBytes(key, bytesMax)) return badRequest(`the key must have 1 to ${bytesMax} bytes`);
  if (key.includes('\0')) return badRequest('the key holds a NUL');
  return wholeFault('the key', key);
}

/** The beginning of a key, which may be empty. */
export function prefixFault(prefix: string, bytesMax: number): Fault | undefined {
  if (exceedsBytes(prefix, bytesMax)) return badRequest(`prefix must have at most ${bytesMax} bytes`);
  if (prefix.includes('\0')) return badRequest('prefix holds a NUL');
  return wholeFault('prefix', prefix);
}

export function badRequest(reason: string): Fault {
  return { code: 'BAD_REQUEST', params: { reason } };
}
