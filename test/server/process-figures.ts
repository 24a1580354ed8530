// What a process holds: memory and sockets. Only Linux tells it in files; elsewhere there is nothing to hold a
// test to, and the answer is undefined.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Its own memory. Pages of the store's file are resident too, but only until the kernel wants them back: the file grows. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/** Not its files: those of the journal, and of what begins by itself after a while, come and go. */
export function openSockets(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const descriptors = readdirSync(`/proc/${pid}/fd`);
  return descriptors.filter((descriptor) => isSocket(`/proc/${pid}/fd/${descriptor}`)).length;
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:');
  } catch (error) {
    // Closed since it was listed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
