// A process that holds the runtime beside it to one guarantee: `node explore.js G1 1000 4711`. It ends with BROKEN and
// the failure on stdout when a schedule breaks it: planted.test.ts runs it in copies of the built runtime.

import { type GuaranteeName, guarantees } from './guarantees.js';

/** The code that the process ends with. */
export const BROKEN = 3;

if (process.argv[1] === import.meta.filename) {
  const [, , name, schedules, seed] = process.argv;
  const { explore } = guarantees[name as GuaranteeName];
  try {
    await explore(Number(schedules), Number(seed), { endOnFailure: true });
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error));
    process.exitCode = BROKEN;
  }
}
