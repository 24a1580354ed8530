// What a process keeps in memory for itself.

import { readFileSync } from 'node:fs';

/**
 * RssAnon of proc(5), in MiB. Pages of the store's file are left out: they are the kernel's to take back. 0 on a system
 * without /proc: a bound on growth then says nothing.
 */
export function residentMib(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
