// Runs the benches, one after the other, each in a process of its own.
//
//   npm run bench                     all of them, some minutes
//   npm run bench -- --quick          all of them in seconds: proves that they run
//   npm run bench http                those whose path holds `http`
//   npm run bench -- --json FILE      the results also as JSON

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchReport, writeReports } from './harness/report.js';

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' } },
  allowPositionals: true,
});

const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bench.js'))
  .filter((name) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)))
  .sort();

const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
const reports: BenchReport[] = [];
const failed: string[] = [];
try {
  for (const [place, name] of files.entries()) {
    const json = join(folder, `${place}.json`);
    const words = [join(import.meta.dirname, name), '--json', json, ...(values.quick ? ['--quick'] : [])];
    const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' });
    if (status === 0) reports.push(...(JSON.parse(readFileSync(json, 'utf8')) as BenchReport[]));
    else failed.push(name);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.json !== undefined) writeReports(values.json, reports);
if (files.length === 0) console.error(`No bench matches: ${positionals.join(' ')}`);
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
