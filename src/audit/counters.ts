// Counters
//
// The names of all counters, in the order of the numbers that they have in the journal. A record in it names a counter by
// its place in this list: a new one is added at the end, and none is ever moved or removed.

import { OPEN_CIRCUITS } from '../actors/endpoint/protocol.js';
import { AGENTS, OPERATORS } from '../actors/operator/protocol.js';
import { STATE_BYTES, STATE_KEYS } from '../actors/state/protocol.js';

export const COUNTERS: readonly string[] = [OPERATORS, AGENTS, STATE_BYTES, STATE_KEYS, OPEN_CIRCUITS];
