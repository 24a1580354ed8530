// Message content: what a content of the right type may still be refused for.

import { exceedsBytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';

/** `member` names the content in the fault. Undefined when nothing is wrong. */
export function contentFault(member: string, content: string, bytesMax: number): Fault | undefined {
  if (exceedsBytes(content, bytesMax)) return { code: 'VALUE_TOO_LARGE', params: { what: `The ${member}`, bytesMax } };
  if (content.isWellFormed()) return undefined;
  return { code: 'BAD_REQUEST', params: { reason: `${member} holds half of a surrogate pair` } };
}
