// Journal thread
//
// The thread that may block on the disk, because nothing else lives in it. It is never terminated, only asked to stop.
//
// Owns:     the store's writer, and one port per shard worker.
// Does not: decide what is committed (journal.ts).

import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../invariant.js';
import { Counters, Reservations } from '../counters.js';
import { Journal } from '../journal.js';
import { ShardMap } from '../shard-map.js';
import { openLmdbWriter } from '../storage/lmdb-store.js';
import { migrate } from '../storage/migrations.js';
import type { Store } from '../storage/store.js';
import { CommitCount } from '../store-view.js';
import type { FromJournal, JournalAnswer, JournalThreadData, RecordBatch, ToJournal } from './protocol.js';

/** How often old remembered answers are looked for. */
const FORGET_EVERY_MS = 60_000;
/** While there are more of them: the pause between two slices. */
const FORGET_PAUSE_MS = 50;
/** The pause before a fence is tried again that the disk refused. */
const FENCE_PAUSE_MS = 100;

invariant(parentPort !== null, 'the journal runs in a thread of its own');
const control = parentPort;
const data = workerData as JournalThreadData;

function say(message: FromJournal): void {
  control.postMessage(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class JournalThread {
  readonly #journal: Journal;
  readonly #store: Store;
  readonly #ports = new Map<number, { close(): void }>();
  #forgetting: NodeJS.Timeout;
  #planned = false;
  #failuresTold = 0;

  constructor(store: Store) {
    this.#store = store;
    const counters = new Counters(data.counterNames, data.memory.counters);
    const commits = new CommitCount(data.memory.commits);
    this.#journal = new Journal({ store, map: new ShardMap(data.memory.map), counters, commits }, data.slots);
    this.#forgetting = setTimeout(() => this.#forget(), FORGET_EVERY_MS);
    control.on('message', (message: ToJournal) => this.#receive(message, counters));
    say({ kind: 'ready', epoch: this.#journal.stats.epoch });
  }

  #receive(message: ToJournal, counters: Counters): void {
    switch (message.kind) {
      case 'attach':
        this.#attach(message, counters);
        break;
      case 'detach':
        this.#ports.get(message.source)?.close();
        this.#ports.delete(message.source);
        this.#journal.detach(message.source);
        break;
      case 'fence':
        this.#fence(message);
        break;
      case 'report':
        say({ kind: 'report', ticket: message.ticket, report: this.#journal.stats });
        break;
      case 'stop':
        void this.#stop();
        break;
      default:
        message satisfies never;
    }
  }

  #attach({ source, port, reservations }: ToJournal & { kind: 'attach' }, counters: Counters): void {
    this.#journal.attach(source, {
      reservations: new Reservations(counters, reservations),
      acknowledge: (acknowledgement: JournalAnswer) => port.postMessage(acknowledgement),
    });
    this.#ports.set(source, port);
    port.on('message', ({ batch, generation }: RecordBatch) => {
      this.#journal.submit(source, batch, generation);
      this.#plan();
    });
  }

  /** Nobody may own these slots before the fence is durable, so it is tried until it is. */
  #fence(message: ToJournal & { kind: 'fence' }): void {
    try {
      say({ kind: 'fenced', ticket: message.ticket, epoch: this.#journal.fence(message.slots) });
    } catch (error) {
      say({ kind: 'failing', reason: messageOf(error) });
      setTimeout(() => this.#fence(message), FENCE_PAUSE_MS).unref();
    }
  }

  /** Everything that lies in the ports is taken in before the next group begins. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#commit();
    });
  }

  #commit(): void {
    this.#journal.commitGroup();
    const { failures } = this.#journal.stats;
    if (failures > this.#failuresTold) {
      this.#failuresTold = failures;
      say({ kind: 'failing', reason: this.#journal.lastFailure });
    }
    if (this.#journal.hasWork) this.#plan();
  }

  #forget(): void {
    let isMore = false;
    try {
      isMore = this.#journal.forgetAnswers(Date.now());
    } catch (error) {
      // Nothing depends on it: they are only space, and the next round tries again.
      say({ kind: 'failing', reason: messageOf(error) });
    }
    this.#forgetting = setTimeout(() => this.#forget(), isMore ? FORGET_PAUSE_MS : FORGET_EVERY_MS);
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#forgetting);
    while (this.#journal.hasWork) this.#journal.commitGroup();
    for (const port of this.#ports.values()) port.close();
    await this.#store.close();
    say({ kind: 'stopped' });
    control.close();
  }
}

let store: Store | undefined;
try {
  store = openLmdbWriter(data.directory);
  await migrate(store, { backupDirectory: (version) => join(data.backups, `schema-${version}`) });
  new JournalThread(store);
} catch (error) {
  await store?.close();
  say({ kind: 'refused', message: messageOf(error) });
  control.close();
}
