// Error frame: a refusal as a session tells it, in the words and with the codes of the HTTP API.

import type { ErrorFrame, FrameId } from '../../contract/session.js';
import { errorTable, type Fault, retryAfterMs } from '../../errors.js';
import { errorAnswer } from '../http/json-answer.js';

const RETRY_AFTER_MS = 1000;

/** `id`: of the frame that is answered, or of the watch that ends. Without one: why the session is being closed. */
export function errorFrame(fault: Fault, id?: FrameId): ErrorFrame {
  const frame: { -readonly [M in keyof ErrorFrame]: ErrorFrame[M] } = { type: 'error', ...errorAnswer(fault) };
  if (id !== undefined) frame.id = id;
  const waitMs = waitOf(fault);
  if (waitMs !== undefined) frame.retry_after_ms = Math.ceil(waitMs);
  return frame;
}

/** Whatever HTTP would answer with Retry-After has a time to retry. */
function waitOf(fault: Fault): number | undefined {
  const { status } = errorTable[fault.code];
  const known = retryAfterMs(fault.code, fault.params);
  return status === 429 || status === 503 ? (known ?? RETRY_AFTER_MS) : known;
}
