// Journal thread
//
// The thread that may block on the disk's flush, because nothing else lives in it. It is never terminated, only asked to
// stop.
//
// Owns:     the journal's files, one port per shard worker, and who waits for the tables.
// Does not: decide what is committed (journal.ts), or write the tables (applier-thread.ts).

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../invariant.js';
import { Counters, Reservations } from '../counters.js';
import { EventTap } from '../event-tap.js';
import { Journal } from '../journal.js';
import { COMMITS, EVENT_APPENDS, journalMeter } from '../meters.js';
import { Progress } from '../progress.js';
import { Scrubbing } from '../scrubbing.js';
import { ShardMap } from '../shard-map.js';
import { RealDisk } from '../storage/disk.js';
import { SegmentLog } from '../storage/segment-log.js';
import type {
  ApplierToJournal,
  FromJournal,
  JournalAnswer,
  JournalThreadData,
  JournalToApplier,
  ShardToJournal,
  ToJournal,
} from './protocol.js';
import { keepVitals } from './vitals.js';

/** The tables are brought up at once when this much is not in them: the more at a time, the more writes cancel. */
const APPLY_AT_BYTES = 16 * 1024 * 1024;
/** Or this part of what may be behind: so that writers need not wait for it. */
const APPLY_AT_SHARE = 0.25;
/** The pause before a fence is tried again that the disk refused. */
const FENCE_PAUSE_MS = 100;

invariant(parentPort !== null, 'the journal runs in a thread of its own');
const control = parentPort;
const data = workerData as JournalThreadData;
const { segmentBytes, unappliedBytesMax } = data.tuning;
const applyAtBytes = Math.min(APPLY_AT_BYTES, unappliedBytesMax * APPLY_AT_SHARE);

function say(message: FromJournal): void {
  control.postMessage(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class JournalThread {
  readonly #journal: Journal;
  readonly #log: SegmentLog;
  readonly #scrubbing: Scrubbing;
  readonly #progress = new Progress(data.memory.progress);
  readonly #counters = new Counters(data.counterNames, data.memory.counters);
  readonly #meter = journalMeter(data.memory.meters);
  readonly #ports = new Map<number, { close(): void }>();
  /** Some shard waits until this group is in the tables. */
  #awaited = 0;
  /** Who waits until a group is in the tables, in the order of the groups. */
  #waiting: { readonly group: number; readonly ticket: number }[] = [];
  #planned = false;
  #failuresTold = 0;
  /** The applier was told that something is behind, or to hurry, and has not answered yet. */
  #told: 'nothing' | 'behind' | 'hurry' = 'nothing';
  #segmentAsked: 'no' | 'asked' | 'refused' = 'no';
  /** The tables cannot be written. */
  #isStuck = false;
  /** Of whoever observes the events. */
  #tap: EventTap | undefined;
  #tapPort: MessagePort | undefined;

  constructor() {
    this.#log = new SegmentLog(new RealDisk(data.journalDirectory), segmentBytes);
    this.#scrubbing = new Scrubbing({
      log: this.#log,
      wipe: (name) => this.#tellApplier({ kind: 'wipe-segment', name }),
      make: () => this.#tellApplier({ kind: 'make-segment' }),
      answer: (ticket, ok) => say({ kind: 'scrubbed', ticket, ok }),
    });
    this.#journal = new Journal(
      {
        log: this.#log,
        map: new ShardMap(data.memory.map),
        counters: this.#counters,
        progress: this.#progress,
        unappliedBytesMax,
        monotonic: () => performance.now(),
        measured: (ms, events) => this.#measured(ms, events),
        committed: (seqBefore, lastSeq, records) => this.#tap?.committed(seqBefore, lastSeq, records),
      },
      data.start,
      data.slots,
    );
    data.applier.on('message', (message: ApplierToJournal) => this.#receiveApplier(message));
    control.on('message', (message: ToJournal) => this.#receive(message));
    keepVitals(this.#meter);
    const { epoch } = this.#journal.stats;
    say({ kind: 'ready', fence: { epoch, group: this.#journal.durable } });
    this.#wakeApplier();
  }

  #measured(ms: number, events: number): void {
    const { histograms } = this.#meter;
    histograms[COMMITS]!.observe(ms);
    if (events > 0) histograms[EVENT_APPENDS]!.observe(ms, events);
  }

  #receive(message: ToJournal): void {
    switch (message.kind) {
      case 'attach':
        this.#attach(message);
        break;
      case 'detach':
        this.#ports.get(message.source)?.close();
        this.#ports.delete(message.source);
        this.#journal.detach(message.source);
        break;
      case 'fence':
        this.#fence(message);
        break;
      case 'settle':
        this.#settle(message.ticket);
        break;
      case 'report':
        say({
          kind: 'report',
          ticket: message.ticket,
          report: { ...this.#journal.stats, segmentsInUse: this.#log.segmentsInUse },
        });
        break;
      case 'scrub':
        this.#scrubbing.begin(message.ticket);
        if (this.#progress.behind > 0) this.#hurry();
        break;
      case 'tap':
        this.#beginTap(message);
        break;
      case 'stop':
        this.#stop();
        break;
      default:
        message satisfies never;
    }
  }

  /** Until its other end is closed, or its thread has ended, or another tap begins. */
  #beginTap({ port, memory }: ToJournal & { kind: 'tap' }): void {
    this.#tapPort?.close();
    this.#tapPort = port;
    this.#tap = new EventTap(port, memory, this.#journal.stats.seq);
    port.on('close', () => {
      if (this.#tapPort !== port) return;
      this.#tapPort = undefined;
      this.#tap = undefined;
    });
  }

  #receiveApplier(message: ApplierToJournal): void {
    switch (message.kind) {
      case 'applied':
        this.#told = 'nothing';
        this.#isStuck = false;
        if (this.#segmentAsked === 'refused') this.#segmentAsked = 'no';
        this.#journal.applied(message.group);
        this.#scrubbing.released();
        this.#answerWaiting(message.group);
        // Asked for while the applier was at work: what it took then was not all of it.
        if (this.#awaited > message.group) this.#hurry();
        this.#wakeApplier();
        this.#plan();
        break;
      case 'stuck':
        this.#isStuck = true;
        this.#journal.stuck(message.reason);
        this.#scrubbing.stuck();
        for (const { ticket } of this.#waiting.splice(0)) say({ kind: 'settled', ticket, ok: false });
        this.#plan();
        break;
      case 'segment':
        // One that the disk refused is asked for again when something has been applied, and space perhaps been freed.
        this.#segmentAsked = message.name === undefined ? 'refused' : 'no';
        if (message.name !== undefined) this.#log.addSpare(message.name);
        this.#scrubbing.spare(message.name !== undefined);
        break;
      case 'wiped':
        this.#scrubbing.wiped(message.name, message.ok);
        break;
      default:
        message satisfies never;
    }
  }

  #attach({ source, port, reservations }: ToJournal & { kind: 'attach' }): void {
    this.#journal.attach(source, {
      reservations: new Reservations(this.#counters, reservations),
      acknowledge: (acknowledgement: JournalAnswer) => port.postMessage(acknowledgement),
    });
    this.#ports.set(source, port);
    port.on('message', (message: ShardToJournal) => {
      if (message.kind === 'settle') {
        this.#awaited = this.#journal.durable;
        this.#hurry();
        return;
      }
      this.#journal.submit(source, message.batch, message.generation);
      this.#plan();
    });
  }

  /** Nobody may own these slots before the fence is durable, so it is tried until it is. */
  #fence(message: ToJournal & { kind: 'fence' }): void {
    try {
      const epoch = this.#journal.fence(message.slots);
      say({ kind: 'fenced', ticket: message.ticket, fence: { epoch, group: this.#journal.durable } });
      this.#wakeApplier();
    } catch (error) {
      say({ kind: 'failing', reason: messageOf(error) });
      setTimeout(() => this.#fence(message), FENCE_PAUSE_MS).unref();
    }
  }

  /** Answers when all that is durable now is in the tables. */
  #settle(ticket: number): void {
    const isSettled = this.#progress.behind === 0;
    if (isSettled || this.#isStuck) {
      say({ kind: 'settled', ticket, ok: isSettled });
      return;
    }
    this.#waiting.push({ group: this.#journal.durable, ticket });
    this.#hurry();
  }

  #answerWaiting(applied: number): void {
    let answered = 0;
    while (answered < this.#waiting.length && this.#waiting[answered]!.group <= applied) {
      say({ kind: 'settled', ticket: this.#waiting[answered++]!.ticket, ok: true });
    }
    if (answered > 0) this.#waiting = this.#waiting.slice(answered);
    if (this.#waiting.length > 0) this.#hurry();
  }

  /** Everything that lies in the ports is taken in before the next group begins. */
  #plan(): void {
    if (this.#planned || !this.#journal.hasWork) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#commit();
    });
  }

  #commit(): void {
    this.#journal.commitGroup();
    const { failures } = this.#journal;
    if (failures > this.#failuresTold) {
      this.#failuresTold = failures;
      say({ kind: 'failing', reason: this.#journal.lastFailure });
    }
    this.#wakeApplier();
    if (this.#log.needsSpare && this.#segmentAsked === 'no') {
      this.#segmentAsked = 'asked';
      this.#tellApplier({ kind: 'make-segment' });
    }
    this.#plan();
  }

  #wakeApplier(): void {
    if (this.#journal.unappliedBytes >= applyAtBytes) this.#hurry();
    else if (this.#told === 'nothing' && this.#progress.behind > 0) {
      this.#told = 'behind';
      this.#tellApplier({ kind: 'behind' });
    }
  }

  #hurry(): void {
    if (this.#told === 'hurry') return;
    this.#told = 'hurry';
    this.#tellApplier({ kind: 'hurry' });
  }

  #tellApplier(message: JournalToApplier): void {
    data.applier.postMessage(message);
  }

  /** The applier brings the tables up to the end by itself, when it is asked to stop. */
  #stop(): void {
    while (this.#journal.stats.batchesWaiting > 0) this.#journal.commitGroup();
    for (const port of this.#ports.values()) port.close();
    this.#tapPort?.close();
    this.#log.close();
    data.applier.close();
    say({ kind: 'stopped' });
    control.close();
  }
}

try {
  new JournalThread();
} catch (error) {
  say({ kind: 'refused', message: messageOf(error) });
  data.applier.close();
  control.close();
}
