// Soak samples
//
// What was seen of a server over time, and whether it stayed the same: the mean of the last third against that of the
// first, after a warm-up.
//
// S1. Growth is what counts: a server that lets go of something is no less flat for it.
// S2. Waits are shown and not judged: what else runs on the machine is in them.

import { median } from '../harness/median.js';

export interface SoakSample {
  readonly minute: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  /** 503s: a worker was being replaced. */
  readonly unavailable: number;
  readonly anonMib: number;
  readonly fileMib: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Durable, and not in the tables yet. */
  readonly behindMib: number;
  readonly segments: number;
  /** Of the data directory, in which events stay for ever. */
  readonly diskMib: number;
  /** Of GET /admin/status: how long, and what it told. */
  readonly statusMs: number;
  readonly asksWaiting: number;
  readonly residentActors: number;
  readonly replacements: number;
}

export interface Flatness {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly growthPercent: number;
  readonly isFlat: boolean;
}

/** The columns that must not grow, and by how many percent they may, or by how many units where that is more. */
const MEASURES = [
  { what: 'anonMib', percentMax: 10, unitsMax: 16 },
  { what: 'descriptors', percentMax: 5, unitsMax: 2 },
  { what: 'threads', percentMax: 5, unitsMax: 1 },
  { what: 'behindMib', percentMax: 10, unitsMax: 16 },
  { what: 'segments', percentMax: 10, unitsMax: 2 },
] as const;

/** Of at least three samples. */
export function judgeFlatness(samples: readonly SoakSample[]): readonly Flatness[] {
  const third = Math.max(1, Math.floor(samples.length / 3));
  return MEASURES.map(({ what, percentMax, unitsMax }) => {
    const first = median(samples.slice(0, third).map((sample) => sample[what]));
    const last = median(samples.slice(-third).map((sample) => sample[what]));
    const growthPercent = first === 0 ? 0 : ((last - first) / first) * 100;
    return { what, first, last, growthPercent, isFlat: growthPercent <= percentMax || last - first <= unitsMax };
  });
}

const COLUMNS = [
  ['minute', 1],
  ['perSecond', 0],
  ['p99Ms', 1],
  ['unavailable', 0],
  ['anonMib', 0],
  ['fileMib', 0],
  ['descriptors', 0],
  ['threads', 0],
  ['behindMib', 1],
  ['segments', 0],
  ['diskMib', 0],
  ['statusMs', 1],
  ['asksWaiting', 0],
  ['residentActors', 0],
  ['replacements', 0],
] as const satisfies readonly (readonly [keyof SoakSample, number])[];

export function headLine(): string {
  return COLUMNS.map(([name]) => name.padStart(Math.max(name.length, 9))).join(' ');
}

export function sampleLine(sample: SoakSample): string {
  return COLUMNS.map(([name, digits]) => sample[name].toFixed(digits).padStart(Math.max(name.length, 9))).join(' ');
}

export function flatnessLine({ what, first, last, growthPercent, isFlat }: Flatness): string {
  const change = `${growthPercent >= 0 ? '+' : ''}${growthPercent.toFixed(1)} %`;
  return `${what}: ${first.toFixed(1)} in the first third, ${last.toFixed(1)} in the last (${change})${isFlat ? '' : ': it grows'}`;
}
