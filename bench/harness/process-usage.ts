// What a process has used, as the kernel counts it: proc(5), so Linux only. Elsewhere everything is 0.

import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** In user and kernel mode, of all threads, since it started. */
  readonly cpuMs: number;
  /** Resident and its own. */
  readonly anonMib: number;
  /** Resident and backed by a file: the program, and pages of the store, which the kernel takes back when it needs them. */
  readonly fileMib: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** Clock ticks of proc(5) in a second: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Places after the program's name in /proc/PID/stat. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

const NOTHING: ProcessUsage = { cpuMs: 0, anonMib: 0, fileMib: 0, descriptors: 0, threads: 0 };

export function readUsage(pid: number): ProcessUsage {
  if (process.platform !== 'linux') return NOTHING;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuMs: ((Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) * 1000) / TICKS_PER_SECOND,
    anonMib: kib('RssAnon') / 1024,
    fileMib: (kib('RssFile') + kib('RssShmem')) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0),
  };
}
