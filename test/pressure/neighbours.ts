// Neighbours
//
// What the rest of the machine did meanwhile. A wait that is measured while somebody else has the processors says nothing
// about the server.
//
// N1. Theirs is what the processors did, less what this process, the processes that it started and theirs did, in parts of
//     all that the processors could have done. What a hypervisor took away is theirs.
// N2. Only processors that this process may run on count.
// N3. Both sides come from proc(5), in the same unit; the clock tick of the one (10 ms) bounds how exact a short stretch is.
//     Elsewhere than on Linux nothing is known, and nothing is said to have been theirs.

import { readdirSync, readFileSync } from 'node:fs';

interface Reading {
  readonly busyTicks: number;
  readonly allTicks: number;
  readonly ownTicks: number;
}

/** Begins a stretch of time; what it returns ends it, with the neighbours' part of the processors, 0 to 1. */
export function watchNeighbours(): () => number {
  if (process.platform !== 'linux') return () => 0;
  const from = read();
  return () => {
    const to = read();
    const theirs = to.busyTicks - from.busyTicks - (to.ownTicks - from.ownTicks);
    return Math.max(0, theirs / Math.max(1, to.allTicks - from.allTicks));
  };
}

function read(): Reading {
  let [busyTicks, allTicks] = [0, 0];
  const allowed = allowedProcessors();
  for (const line of readFileSync('/proc/stat', 'latin1').split('\n')) {
    const [name = '', ...columns] = line.split(/ +/);
    if (!/^cpu\d+$/.test(name) || !allowed.has(Number(name.slice(3)))) continue;
    // Guests are in the first two columns already.
    const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = columns.map(Number);
    const busy = user + nice + system + irq + softIrq + steal;
    busyTicks += busy;
    allTicks += busy + idle + ioWait;
  }
  return { busyTicks, allTicks, ownTicks: ownTicks() };
}

function allowedProcessors(): Set<number> {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  const allowed = new Set<number>();
  for (const range of list.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let processor = first; processor <= last; processor++) allowed.add(processor);
  }
  return allowed;
}

interface ProcessTicks {
  readonly parent: number;
  readonly ticks: number;
}

/** Of this process and all that descend from it. */
function ownTicks(): number {
  const processes = new Map<number, ProcessTicks>();
  for (const name of readdirSync('/proc')) {
    const ticks = /^\d+$/.test(name) ? ticksOf(name) : undefined;
    if (ticks !== undefined) processes.set(Number(name), ticks);
  }
  let sum = 0;
  for (const [pid, { ticks }] of processes) if (isOurs(pid, processes)) sum += ticks;
  return sum;
}

function isOurs(pid: number, processes: ReadonlyMap<number, ProcessTicks>): boolean {
  let at: number | undefined = pid;
  while (at !== undefined && at !== process.pid) at = processes.get(at)?.parent;
  return at === process.pid;
}

/** Undefined when it ended while it was looked for. */
function ticksOf(pid: string): ProcessTicks | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Behind the name, which may hold anything: state, parent, …; utime, stime and those of children that ended.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), ticks };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}
