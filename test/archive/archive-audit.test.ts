import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { auditArchives } from '../../src/archive/archive-audit.js';
import {
  type ArchiveFile,
  lineOf,
  listArchives,
  rewriteArchive,
  writeArchive,
} from '../../src/archive/archive-file.js';
import { DAY_MS, KeptLog, lookOn } from './kept-log.js';

const GROUPS = 6;
const GROUP = 100;
const kept: KeptLog[] = [];
after(() => {
  for (const { directory } of kept) rmSync(dirname(directory), { recursive: true, force: true });
});

/** Archives of two groups each, as many of them as `archived` says; what is in the tables is the same each time. */
async function logOf(archived: number): Promise<KeptLog> {
  const log = new KeptLog();
  kept.push(log);
  for (let group = 0; group < GROUPS; group++) log.log(GROUP, group * DAY_MS);
  for (let files = 1; files <= archived; files++) {
    await lookOn(log.archivist({ days: 1 }), (files * 2 + 0.9) * DAY_MS);
  }
  assert.equal(log.trimmed, archived * 2 * GROUP);
  return log;
}

function audit(tables: KeptLog, archives = tables) {
  const seen: number[] = [];
  const report = auditArchives({
    tables: tables.store,
    directory: archives.directory,
    seen: ({ seq }) => seen.push(seq),
  });
  return { ...report, seen, found: report.findings.map(({ problem }) => problem) };
}

const filesOf = ({ directory }: KeptLog): ArchiveFile[] => listArchives(directory);

describe('the audit of archives', () => {
  test('finds nothing where archives and tables are the whole log, and tells what is in the archives alone', async () => {
    assert.deepEqual(audit(await logOf(0)).found, []);
    const log = await logOf(2);
    const { found, files, events, seen } = audit(log);
    assert.deepEqual([found, files, events], [[], 2, 400]);
    assert.deepEqual(
      seen,
      log.events.slice(0, 400).map(({ seq }) => seq),
    );
  });

  test('takes archives that are newer than the moment of the tables for what they are, as far as a server runs (AA2)', async () => {
    const [before, now] = [await logOf(1), await logOf(3)];
    const { found, seen } = audit(before, now);
    assert.deepEqual([found, seen.length], [[], 200]);
    const short = new KeptLog();
    kept.push(short);
    for (let group = 0; group < 3; group++) short.log(GROUP, group * DAY_MS);
    const beyond = audit(short, now);
    assert.deepEqual([beyond.found, beyond.beyond], [[], 600]);
    assert.equal(audit(now).beyond, 0);
  });

  test('finds what is missing, twice, damaged, or of another log, and looks at the rest (AA1, AA2)', async () => {
    const log = await logOf(3);
    const [first, second, third] = filesOf(log) as [ArchiveFile, ArchiveFile, ArchiveFile];
    const aside = join(dirname(log.directory), 'aside');
    for (const [file, problem] of [
      [first, /events 1 to 200 before it are missing/],
      [second, /events 201 to 400 before it are missing/],
      [third, /events 401 to 600 are in no archive/],
    ] as const) {
      renameSync(file.path, aside);
      const { found, files } = audit(log);
      assert.deepEqual([found.length, files], [1, 2]);
      assert.match(found[0]!, problem);
      renameSync(aside, file.path);
    }
    const twice = writeArchive(log.directory, { first: 301, last: 302 }, log.events.slice(300, 302).map(lineOf));
    assert.match(audit(log).found.join(), /the archive before it goes up to event 400/);
    rmSync(twice.path);
    writeFileSync(second.path, 'x');
    assert.match(audit(log).found.join(), /is damaged/);

    const unfinished = await logOf(2);
    const newest = { first: 401, last: 500 };
    const file = writeArchive(unfinished.directory, newest, unfinished.events.slice(400, 500).map(lineOf));
    assert.deepEqual(audit(unfinished).found, []);
    rewriteArchive(file, (event) => (event.seq === 450 ? { ...event, agent: 'somebody else' } : event));
    assert.deepEqual(audit(unfinished).found, ['event 450 is another one in the tables']);
  });
});
