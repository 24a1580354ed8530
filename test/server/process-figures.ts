// What a process holds: memory, open files and sockets. Only Linux tells it in files; elsewhere there is nothing to hold a
// test to, and the answer is undefined.

import { readdirSync, readFileSync } from 'node:fs';

/** Its own memory. Pages of the store's file are resident too, but only until the kernel wants them back: the file grows. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/** Sockets among them. */
export function openFiles(pid: number): number | undefined {
  return process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : undefined;
}
