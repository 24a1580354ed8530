// Loaded into every thread of a process whose memory is measured (`--import`): collects its garbage again and again, so that
// what the process holds is what it needs. It imports nothing of the project: a bare process stays bare.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const INTERVAL_MS = 1_000;

setFlagsFromString('--expose-gc');
setInterval(runInNewContext('gc') as () => void, INTERVAL_MS).unref();
