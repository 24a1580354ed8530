// Archive audit
//
// Whether the archives and the tables together are the whole event log: no number missing, none twice, every file as it was
// written. It reads all of them, one at a time.
//
// AA1. What is wrong with one file is a finding, and the next is looked at all the same.
// AA2. The newest file may hold events that are in the tables too (archivist.ts, AV2): they must be the same ones.
// AA3. At most FINDINGS_MAX findings are kept; all are counted.

import { basename } from 'node:path';
import type { ObservedEvent } from '../contract/observe.js';
import { readEventPage } from '../runtime/event-reader.js';
import { trimmedUpTo } from '../runtime/event-trim.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { META_SEQ } from '../runtime/tables.js';
import { observed } from '../transport/observation/event-json.js';
import { type ArchiveFile, listArchives, readArchive } from './archive-file.js';

export const FINDINGS_MAX = 1_000;
const PAGE_EVENTS = 1_000;

export interface ArchiveFinding {
  /** The name of a file; empty for what concerns all of them. */
  readonly file: string;
  readonly problem: string;
}

export interface ArchiveReport {
  readonly findings: readonly ArchiveFinding[];
  readonly findingsTotal: number;
  readonly files: number;
  /** In all of them. */
  readonly events: number;
}

/** `tables`: of the moment at which it is called. Blocks its thread for the time it takes. */
export function auditArchives(
  tables: StoreReader,
  directory: string,
  seen: (event: ObservedEvent) => void = () => {},
): ArchiveReport {
  const audit = new ArchiveAudit(tables, seen);
  const files = listArchives(directory);
  for (const file of files) audit.file(file);
  audit.end();
  return { findings: audit.findings, findingsTotal: audit.findingsTotal, files: files.length, events: audit.events };
}

class ArchiveAudit {
  readonly findings: ArchiveFinding[] = [];
  findingsTotal = 0;
  events = 0;
  readonly #tables: StoreReader;
  readonly #trimmed: number;
  /** Told of each event that is not in the tables. */
  readonly #seen: (event: ObservedEvent) => void;
  /** The last event of the files so far. */
  #last = 0;

  constructor(tables: StoreReader, seen: (event: ObservedEvent) => void) {
    this.#tables = tables;
    this.#trimmed = trimmedUpTo(tables);
    this.#seen = seen;
  }

  file(file: ArchiveFile): void {
    const { first, last } = file;
    if (first > this.#last + 1) this.#report(file, `events ${this.#last + 1} to ${first - 1} before it are missing`);
    if (first <= this.#last) this.#report(file, `the archive before it goes up to event ${this.#last}`);
    this.#last = Math.max(this.#last, last);
    try {
      this.#read(file, readArchive(file));
    } catch (error) {
      this.#report(file, error instanceof Error ? error.message : String(error));
    }
  }

  end(): void {
    if (this.#last >= this.#trimmed) return;
    this.#note({ file: '', problem: `events ${this.#last + 1} to ${this.#trimmed} are in no archive` });
  }

  #read(file: ArchiveFile, events: readonly ObservedEvent[]): void {
    this.events += events.length;
    for (const event of events) if (event.seq <= this.#trimmed) this.#seen(event);
    if (file.last <= this.#trimmed) return;
    const end = readMetaNumber(this.#tables, META_SEQ) ?? 0;
    if (file.first > this.#trimmed + 1 || file.last > end) {
      this.#report(
        file,
        `the log in the tables is that of events ${this.#trimmed + 1} to ${end}: it is not of this log`,
      );
      return;
    }
    this.#compare(file, events);
  }

  /** With what the tables have of it. */
  #compare(file: ArchiveFile, events: readonly ObservedEvent[]): void {
    for (let since = this.#trimmed; ; ) {
      const page = readEventPage(this.#tables, { since, until: file.last, limit: PAGE_EVENTS });
      for (const event of page.events) {
        const archived = events[event.seq - file.first]!;
        const { ts, type, agent } = observed(event);
        if (archived.ts !== ts || archived.type !== type || archived.agent !== agent) {
          this.#report(file, `event ${event.seq} is another one in the tables`);
          return;
        }
      }
      if (!page.hasMore) return;
      since = page.next;
    }
  }

  #report(file: ArchiveFile, problem: string): void {
    this.#note({ file: basename(file.path), problem });
  }

  #note(finding: ArchiveFinding): void {
    this.findingsTotal++;
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
  }
}
