// The client for Node: that for browsers, with a WebSocket where Node has none, and what needs node:crypto.

import { connectWith } from './connect.js';
import { openNodeSocket } from './node-socket.js';

export * from './browser.js';
export { solveChallenge } from './challenge-solver.js';

/** Opens a session, and keeps it open (connect.ts). */
export const connect = connectWith(openNodeSocket);
