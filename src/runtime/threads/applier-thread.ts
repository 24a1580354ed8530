// Applier thread
//
// The thread that brings the tables up behind the journal. It recovers what the last process left, before anything else
// may start; then it follows. It is never terminated, only asked to stop.
//
//     recovering ──ready──▶ resting ──behind: after applyAfterMs; hurry: at once──▶ applying ──▶ resting
//                                                        refused by the disk: after RETRY_MS ──▶ applying
//
// Owns:     the tables' writer, when it writes, and the making of new segments, which would keep the journal waiting.
// Does not: decide what a transaction holds (applier.ts).

import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../invariant.js';
import { Applier, recoverTables } from '../applier.js';
import type { TrimAnswer, TrimSlice } from '../event-trim.js';
import { applierMeter } from '../meters.js';
import { Progress } from '../progress.js';
import { type Disk, RealDisk } from '../storage/disk.js';
import { GroupReader } from '../storage/group-reader.js';
import { unreadableSegments } from '../storage/journal-survey.js';
import { openLmdbWriter } from '../storage/lmdb-store.js';
import { readMetaNumber } from '../storage/meta.js';
import { migrate, refuseNewer } from '../storage/migrations.js';
import { listSegments, makeSegmentFile, wipeSegmentFile } from '../storage/segments.js';
import { StorageError } from '../storage/storage-error.js';
import type { Store } from '../storage/store.js';
import { CommitCount } from '../store-view.js';
import { META_EPOCH, readTablesState, type TablesState } from '../tables.js';
import type { ApplierThreadData, ApplierToJournal, FromApplier, JournalToApplier, ToApplier } from './protocol.js';
import { keepVitals } from './vitals.js';

/** The pause before a transaction is tried again that the disk refused. */
const RETRY_MS = 100;
/** How often old remembered answers are looked for. */
const FORGET_EVERY_MS = 60_000;
/** While there are more of them: the pause between two slices. */
const FORGET_PAUSE_MS = 50;

invariant(parentPort !== null, 'the applier runs in a thread of its own');
const control = parentPort;
const data = workerData as ApplierThreadData;
const { segmentBytes, applyAfterMs } = data.tuning;

function say(message: FromApplier): void {
  control.postMessage(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class ApplierThread {
  readonly #applier: Applier;
  readonly #store: Store;
  readonly #disk: Disk;
  readonly #source: GroupReader;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #forgetting: NodeJS.Timeout;
  #isStuck = false;
  /** Of whoever takes out old events. */
  #trims: MessagePort | undefined;

  constructor(store: Store, disk: Disk) {
    this.#store = store;
    this.#disk = disk;
    const progress = new Progress(data.memory.progress);
    const commits = new CommitCount(data.memory.commits);
    const { applied } = readTablesState(store, data.counterNames);
    this.#source = new GroupReader(disk, applied + 1);
    this.#applier = new Applier({ store, source: this.#source, progress, commits, counterNames: data.counterNames });
    this.#forgetting = setTimeout(() => this.#forget(), FORGET_EVERY_MS);
    keepVitals(applierMeter(data.memory.meters));
    data.journal.on('message', (message: JournalToApplier) => this.#receive(message));
    control.on('message', (message: ToApplier) => {
      switch (message.kind) {
        case 'trims':
          this.#trimFor(message.port);
          break;
        case 'stop':
          void this.#stop();
          break;
        default:
          message satisfies never;
      }
    });
  }

  #receive(message: JournalToApplier): void {
    switch (message.kind) {
      case 'behind':
        this.#plan(applyAfterMs);
        break;
      case 'hurry':
        if (!this.#isStuck) this.#plan(0);
        break;
      case 'make-segment':
        this.#makeSegment();
        break;
      case 'wipe-segment':
        this.#wipeSegment(message.name);
        break;
      default:
        message satisfies never;
    }
  }

  /** The earlier of what was planned and this. */
  #plan(delayMs: number): void {
    const dueAt = performance.now() + delayMs;
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#apply(), delayMs);
  }

  #apply(): void {
    this.#timer = undefined;
    try {
      this.#applier.applyOnce();
      this.#isStuck = false;
      // Also when there was nothing to do: whoever asked waits for this.
      this.#tell({ kind: 'applied', group: this.#applier.applied });
      if (this.#applier.behind > 0) this.#plan(applyAfterMs);
    } catch (error) {
      if (!this.#isStuck) say({ kind: 'failing', reason: messageOf(error) });
      this.#isStuck = true;
      this.#tell({ kind: 'stuck', reason: messageOf(error) });
      this.#plan(RETRY_MS);
    }
  }

  #makeSegment(): void {
    try {
      const file = makeSegmentFile(this.#disk, segmentBytes);
      file.close();
      this.#tell({ kind: 'segment', name: file.name });
    } catch (error) {
      // The journal makes one itself when it comes to that, and then it is an error of a commit.
      say({ kind: 'failing', reason: messageOf(error) });
      this.#tell({ kind: 'segment', name: undefined });
    }
  }

  #wipeSegment(name: string): void {
    try {
      wipeSegmentFile(this.#disk, name);
      this.#tell({ kind: 'wiped', name, ok: true });
    } catch (error) {
      say({ kind: 'failing', reason: messageOf(error) });
      this.#tell({ kind: 'wiped', name, ok: false });
    }
  }

  /** Until its other end is closed, or another one takes its place. */
  #trimFor(port: MessagePort): void {
    this.#trims?.close();
    this.#trims = port;
    port.on('message', (slice: TrimSlice) => port.postMessage(this.#trim(slice)));
  }

  #trim(slice: TrimSlice): TrimAnswer {
    try {
      this.#applier.trim(slice);
      return { kind: 'trimmed', upTo: slice.upTo };
    } catch (error) {
      // Whoever asked tells it, and asks again: nothing was taken out.
      return { kind: 'refused', reason: messageOf(error) };
    }
  }

  #tell(message: ApplierToJournal): void {
    data.journal.postMessage(message);
  }

  #forget(): void {
    let isMore = false;
    try {
      isMore = this.#applier.forgetAnswers(Date.now());
    } catch (error) {
      // Nothing depends on it: they are only space, and the next round tries again.
      say({ kind: 'failing', reason: messageOf(error) });
    }
    this.#forgetting = setTimeout(() => this.#forget(), isMore ? FORGET_PAUSE_MS : FORGET_EVERY_MS);
  }

  /** The journal has ended. What is still behind is applied now, or at the next start. */
  async #stop(): Promise<void> {
    clearTimeout(this.#forgetting);
    clearTimeout(this.#timer);
    this.#trims?.close();
    try {
      while (this.#applier.applyOnce());
    } catch (error) {
      say({ kind: 'failing', reason: messageOf(error) });
    }
    this.#source.close();
    data.journal.close();
    await this.#store.close();
    say({ kind: 'stopped' });
    control.close();
  }
}

/** Brings the tables to where the journal ends, and to this program's schema. Blocks; says how far it is. */
async function recover(store: Store, disk: Disk): Promise<TablesState> {
  refuseNewer(store);
  const before = readTablesState(store, data.counterNames);
  const [unreadable] = unreadableSegments(disk);
  if (unreadable !== undefined) {
    throw new StorageError(`The journal is damaged: the beginning of segment ${unreadable} cannot be read.`);
  }
  const reader = new GroupReader(disk, before.applied + 1);
  const state = recoverTables(
    store,
    () => reader.nextToEnd(),
    data.counterNames,
    ({ applied }) => say({ kind: 'recovering', groups: applied - before.applied }),
  );
  reader.close();
  await migrate(store, { backupDirectory: (version) => join(data.backups, `schema-${version}`) });
  return state;
}

let store: Store | undefined;
try {
  store = openLmdbWriter(data.directory);
  const disk = new RealDisk(data.journalDirectory);
  const state = await recover(store, disk);
  const { begun, blank } = listSegments(disk);
  if (begun.length + blank.length === 0) makeSegmentFile(disk, segmentBytes).close();
  new ApplierThread(store, disk);
  store.refresh();
  say({ kind: 'ready', start: { ...state, epoch: readMetaNumber(store, META_EPOCH) ?? 0 } });
} catch (error) {
  await store?.close();
  say({ kind: 'refused', message: messageOf(error) });
  data.journal.close();
  control.close();
}
