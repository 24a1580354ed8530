// Archive audit
//
// Whether the archives and the tables together are the whole event log: no number missing, none twice, every file as it was
// written. It reads all of them, one at a time.
//
// AA1. What is wrong with one file is a finding, and the next is looked at all the same.
// AA2. The newest file may hold events that are in the tables too (archivist.ts, AV2): they must be the same ones. Beside a
//      server that runs there may be newer files than the moment of the tables; whether the log goes so far is told later.
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
  /** The last archived event, where that is not in the tables of that moment: it must be by now. 0: there is none such. */
  readonly beyond: number;
}

export interface ArchiveAuditParts {
  /** Of one moment. */
  readonly tables: StoreReader;
  readonly directory: string;
  /** Told each event that is not in the tables, in order. */
  readonly seen?: (event: ObservedEvent) => void;
}

/** Blocks its thread for the time it takes. */
export function auditArchives(parts: ArchiveAuditParts): ArchiveReport {
  const { directory } = parts;
  const audit = new ArchiveAudit(parts);
  const files = listArchives(directory);
  for (const file of files) audit.file(file);
  audit.end();
  const { findings, findingsTotal, events, beyond } = audit;
  return { findings, findingsTotal, files: files.length, events, beyond };
}

class ArchiveAudit {
  readonly findings: ArchiveFinding[] = [];
  findingsTotal = 0;
  events = 0;
  beyond = 0;
  readonly #parts: ArchiveAuditParts;
  readonly #trimmed: number;
  /** The last event of the files so far. */
  #last = 0;

  constructor(parts: ArchiveAuditParts) {
    this.#parts = parts;
    this.#trimmed = trimmedUpTo(parts.tables);
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
    const { tables, seen } = this.#parts;
    this.events += events.length;
    for (const event of events) if (event.seq <= this.#trimmed) seen?.(event);
    if (file.last <= this.#trimmed) return;
    const end = readMetaNumber(tables, META_SEQ) ?? 0;
    if (file.last > end) this.beyond = file.last;
    this.#compare(file, events, Math.min(file.last, end));
  }

  /** With what the tables have of it. */
  #compare(file: ArchiveFile, events: readonly ObservedEvent[], until: number): void {
    for (let since = Math.max(this.#trimmed, file.first - 1); ; ) {
      const page = readEventPage(this.#parts.tables, { since, until, limit: PAGE_EVENTS });
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
