// Bench
//
// The frame of every bench file: reads the options, measures the cases, prints the table, writes the JSON.
//
//   node dist/bench/http/messages.bench.js [--quick] [--json FILE]

import { parseArgs } from 'node:util';
import { readEnvironment } from './environment.js';
import { type BenchCase, type Budget, type CaseResult, FULL_BUDGET, measureCase, QUICK_BUDGET } from './measure.js';
import { type Bound, renderReport, writeReports } from './report.js';

export interface Bench {
  /** Its folder and file: `http/messages`. */
  readonly name: string;
  /** Sets everything up; what it returns is measured one after the other, and `close` is called whatever happens. */
  readonly open: (quick: boolean) => Promise<OpenBench>;
}

export interface OpenBench {
  readonly cases: readonly BenchCase[];
  /** Fewer rounds than the budget's, where one sample takes seconds whatever its budget. */
  readonly roundsMax?: number;
  /** What is no rate, as lines below the table; asked when everything was measured. */
  readonly notes?: () => Promise<readonly string[]>;
  /** What the question wants of the numbers, the last lines. Nothing fails by them: the machine is in them too. */
  readonly bounds?: (cases: readonly CaseResult[]) => readonly Bound[];
  readonly close: () => Promise<void>;
}

export async function runBench(bench: Bench): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } });
  const quick = values.quick === true;
  const planned: Budget = quick ? QUICK_BUDGET : FULL_BUDGET;
  const open = await bench.open(quick);
  const budget = { ...planned, rounds: Math.min(planned.rounds, open.roundsMax ?? planned.rounds) };
  const cases: CaseResult[] = [];
  let notes: readonly string[] = [];
  try {
    for (const benchCase of open.cases) cases.push(await measureCase(benchCase, budget));
    notes = (await open.notes?.()) ?? notes;
  } finally {
    await open.close();
  }
  const command = `npm run bench -- ${bench.name}${quick ? ' --quick' : ''}`;
  const bounds = open.bounds?.(cases) ?? [];
  const report = { bench: bench.name, command, quick, environment: readEnvironment(), cases, notes, bounds };
  console.log(renderReport(report));
  if (values.json !== undefined) writeReports(values.json, [report]);
}
