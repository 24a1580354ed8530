// Measure
//
// The one way in which everything is measured: a warm-up that is thrown away, then rounds in which every subject runs
// once for the same budget, interleaved, so that a slow minute of the machine slows all of them. The floor of a case is
// one of its subjects; the result is each subject's ratio to the floor of the same round: of what it did in a second, or,
// where the question is how long one waits, of its p99.
//
// B1. A sample counts only after its completion check: as many at the far end as were counted here. One that fails ends
//     the bench.
// B2. The order within a round turns around from round to round.
// B3. Each number shown is the median of the rounds, beside the least and the greatest.

import type { LatencySummary } from './latency.js';

export interface Sample {
  /** What was acknowledged within the sample. */
  readonly operations: number;
  readonly elapsedMs: number;
  readonly latency: LatencySummary | null;
}

export interface Subject {
  readonly name: string;
  /** Works for about `budgetMs`, and waits for every answer. */
  readonly run: (budgetMs: number) => Promise<Sample>;
  /** How many the far end holds of all that `run` ever acknowledged; undefined when there is no far end to ask. */
  readonly countFarEnd?: () => Promise<number>;
}

/** What a ratio is of. By p99 every subject must give a latency, and less is better. */
export type Compared = 'rate' | 'p99';

export interface BenchCase {
  readonly name: string;
  /** The rate when absent. */
  readonly compared?: Compared;
  /** Comes first in the table; all ratios are to it. */
  readonly floor: Subject;
  readonly subjects: readonly Subject[];
}

export interface Budget {
  readonly warmUpMs: number;
  readonly sampleMs: number;
  readonly rounds: number;
}

export const FULL_BUDGET: Budget = { warmUpMs: 1_000, sampleMs: 1_500, rounds: 5 };
/** Proves that a bench runs; its numbers mean nothing. */
export const QUICK_BUDGET: Budget = { warmUpMs: 100, sampleMs: 200, rounds: 1 };

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export interface SubjectResult {
  readonly subject: string;
  readonly isFloor: boolean;
  readonly perSecond: Spread;
  /** To the floor of the same round. */
  readonly ratio: Spread;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Acknowledged in all rounds and the warm-up, and found at the far end; null when there is no far end. */
  readonly verified: number | null;
}

export interface CaseResult {
  readonly name: string;
  readonly compared: Compared;
  readonly results: readonly SubjectResult[];
}

export async function measureCase(benchCase: BenchCase, budget: Budget): Promise<CaseResult> {
  const subjects = [benchCase.floor, ...benchCase.subjects];
  const samples = new Map<Subject, Sample[]>(subjects.map((subject) => [subject, []]));
  const acknowledged = new Map<Subject, number>();
  const run = async (subject: Subject, budgetMs: number): Promise<Sample> => {
    const before = acknowledged.get(subject) ?? (await subject.countFarEnd?.()) ?? 0;
    const sample = await subject.run(budgetMs);
    const expected = before + sample.operations;
    acknowledged.set(subject, expected);
    await checkCompletion(subject, sample, expected);
    return sample;
  };
  for (const subject of subjects) await run(subject, budget.warmUpMs);
  for (let round = 0; round < budget.rounds; round++) {
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const subject of order) samples.get(subject)!.push(await run(subject, budget.sampleMs));
  }
  const { name, compared = 'rate' } = benchCase;
  const measureOf = compared === 'rate' ? rateOf : p99Of;
  const floorValues = samples.get(benchCase.floor)!.map(measureOf);
  const results = subjects.map((subject): SubjectResult => {
    const ofSubject = samples.get(subject)!;
    return {
      subject: subject.name,
      isFloor: subject === benchCase.floor,
      perSecond: spreadOf(ofSubject.map(rateOf)),
      ratio: spreadOf(ofSubject.map((sample, round) => measureOf(sample) / floorValues[round]!)),
      p50Ms: medianLatency(ofSubject, (latency) => latency.p50Ms),
      p99Ms: medianLatency(ofSubject, (latency) => latency.p99Ms),
      verified: subject.countFarEnd === undefined ? null : acknowledged.get(subject)!,
    };
  });
  return { name, compared, results };
}

async function checkCompletion(subject: Subject, sample: Sample, expected: number): Promise<void> {
  if (sample.operations === 0) throw new Error(`${subject.name}: nothing was acknowledged within the budget`);
  if (subject.countFarEnd === undefined) return;
  const counted = await subject.countFarEnd();
  if (counted !== expected) {
    throw new Error(`${subject.name}: ${expected} were acknowledged, and the far end holds ${counted}`);
  }
}

function rateOf(sample: Sample): number {
  return (sample.operations / sample.elapsedMs) * 1000;
}

function p99Of({ latency }: Sample): number {
  if (latency === null) throw new Error('A case that is compared by p99 has a subject without a latency');
  return latency.p99Ms;
}

function medianLatency(samples: readonly Sample[], read: (latency: LatencySummary) => number): number | null {
  const values = samples.flatMap(({ latency }) => (latency === null ? [] : [read(latency)]));
  return values.length === 0 ? null : spreadOf(values).median;
}

/** Of at least one number. The median of an even count is the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return { median: (lower + upper) / 2, least: sorted[0]!, greatest: sorted.at(-1)! };
}
