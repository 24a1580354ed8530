// Report
//
// What a bench leaves behind: a table to read, and the same as JSON.

import { writeFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import type { CaseResult, Compared, Spread, SubjectResult } from './measure.js';

/** What a number is held against: at least, or at most, so much. */
export interface Bound {
  readonly what: string;
  readonly measured: number;
  /** Empty for a ratio. */
  readonly unit: string;
  readonly limit: { readonly kind: 'least' | 'most'; readonly value: number };
}

export interface BenchReport {
  readonly bench: string;
  readonly command: string;
  readonly quick: boolean;
  readonly environment: Environment;
  readonly cases: readonly CaseResult[];
  readonly notes: readonly string[];
  readonly bounds: readonly Bound[];
}

const HEADINGS = ['case', 'subject', 'per second', 'least to greatest', 'of the floor', 'p50 ms', 'p99 ms', 'verified'];

export function renderReport(report: BenchReport): string {
  const { environment } = report;
  const rows = report.cases.flatMap(({ name, compared, results }) =>
    results.map((result, place) => [place === 0 ? name : '', ...rowOf(result, compared)]),
  );
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [
    `${report.bench}${report.quick ? ' (quick: proves that it runs, measures nothing)' : ''}`,
    `commit ${environment.commit}, Node ${environment.node}, ${environment.cores} cores, ${environment.cpu}, ` +
      `${environment.memoryGiB} GiB, ${environment.kernel}, ${environment.at}`,
    '',
    line(HEADINGS),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    ...report.notes.map((note) => `- ${note}`),
    ...report.bounds.map((bound) => `- ${boundText(bound)}`),
    '',
  ].join('\n');
}

function rowOf(result: SubjectResult, compared: Compared): string[] {
  return [
    result.isFloor ? `${result.subject} (floor)` : result.subject,
    whole(result.perSecond.median),
    `${whole(result.perSecond.least)} to ${whole(result.perSecond.greatest)}`,
    result.isFloor ? '1' : `${compared === 'p99' ? 'p99 × ' : ''}${ratioText(result.ratio)}`,
    decimal(result.p50Ms),
    decimal(result.p99Ms),
    result.verified === null ? 'no far end' : whole(result.verified),
  ];
}

function ratioText(ratio: Spread): string {
  return `${figures(ratio.median)} (${figures(ratio.least)} to ${figures(ratio.greatest)})`;
}

function boundText({ what, measured, unit, limit }: Bound): string {
  const held = limit.kind === 'most' ? measured <= limit.value : measured >= limit.value;
  const inUnit = (text: string): string => (unit === '' ? text : `${text} ${unit}`);
  const reach = `at ${limit.kind} ${inUnit(String(limit.value))}`;
  return `${what}: ${inUnit(measured.toFixed(2))}; to reach: ${reach}: ${held ? 'held' : 'MISSED'}`;
}

/** Two decimals, or two significant digits where those would hide the number. */
function figures(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function decimal(value: number | null): string {
  return value === null ? '' : value.toFixed(2);
}

export function writeReports(file: string, reports: readonly BenchReport[]): void {
  writeFileSync(file, `${JSON.stringify(reports, null, 2)}\n`);
}
