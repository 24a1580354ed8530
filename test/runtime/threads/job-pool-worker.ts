// The worker file of job-pool.test.ts.

export type TestJob =
  | { readonly kind: 'echo'; readonly value: number }
  | { readonly kind: 'throw'; readonly message: string }
  /** Ends the thread, as a crash in native code would. */
  | { readonly kind: 'exit' }
  /** Raises begun[0], then blocks the thread until released[0] is no longer 0. */
  | { readonly kind: 'hold'; readonly begun: Int32Array; readonly released: Int32Array };

export default function run(job: TestJob): number {
  switch (job.kind) {
    case 'echo':
      return job.value;
    case 'throw':
      throw new RangeError(job.message);
    case 'exit':
      return process.exit(7);
    case 'hold':
      Atomics.add(job.begun, 0, 1);
      Atomics.wait(job.released, 0, 0);
      return -1;
    default:
      return job satisfies never;
  }
}
