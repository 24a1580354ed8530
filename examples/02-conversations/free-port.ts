// Free port
//
// A port that a server can come back to. One that the system chooses (port 0) comes from the range that it also gives to
// outgoing connections: while the server is down, a client's next attempt may be given that very port.

import { createServer } from 'node:net';

/** Below the range of outgoing connections on Linux (32768), macOS and Windows (49152). */
const PORT_MIN = 12_000;
const PORT_MAX = 32_000;
const ATTEMPTS_MAX = 50;

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (await isFree(port)) return port;
  }
  throw new Error(`Of ${ATTEMPTS_MAX} ports tried, none was free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
