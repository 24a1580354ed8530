// Token hash (worker side)
//
// Runs in a thread of the hash pool, one job at a time, about 4 ms and 20 MB each with the default parameters. The
// blocking form of the library is used on purpose: its asynchronous one would occupy the threads that read files.
//
// Hashing gives way to everything else: whoever makes the server hash without end may have the processor's idle time, and
// nobody who is known already waits for it.

import { setPriority } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';

/** A tenth of the share of a thread that wants to run too; all of what nobody else wants. */
const NICE = 10;

// On Linux this is the thread's own priority; elsewhere it would be that of the whole process.
if (!isMainThread && process.platform === 'linux') setPriority(NICE);

export interface Argon2Params {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export type HashJob =
  | { readonly kind: 'hash'; readonly token: string; readonly params: Argon2Params }
  | { readonly kind: 'verify'; readonly token: string; readonly phc: string };

/** To `hash` the PHC string, to `verify` whether it matches. */
export type HashResult = string | boolean;

export default function runHashJob(job: HashJob): HashResult {
  switch (job.kind) {
    case 'hash':
      // Argon2id is the library's default; its enum cannot be named from a module compiled alone.
      return hashSync(job.token, {
        memoryCost: job.params.memoryKib,
        timeCost: job.params.passes,
        parallelism: job.params.lanes,
      });
    case 'verify':
      return verifySync(job.phc, job.token);
    default:
      return job satisfies never;
  }
}
