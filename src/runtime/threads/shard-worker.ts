// Shard worker
//
// The plumbing of a shard inside its thread: ports in, a store reader, the way to the journal and back.
//
// Owns:     the thread's ports and its reader.
// Does not: know the kinds (src/worker.ts brings them) or run turns (shard.ts).

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.js';
import { errorText } from '../../errors.js';
import { invariant } from '../../invariant.js';
import type { AnyKind } from '../actor.js';
import { Counters, Reservations } from '../counters.js';
import { Link } from '../link.js';
import { shardMeter } from '../meters.js';
import { Progress } from '../progress.js';
import { Pulse } from '../pulse.js';
import { type LogLine, Shard } from '../shard.js';
import { ShardMap } from '../shard-map.js';
import { openLmdbReader } from '../storage/lmdb-store.js';
import { MemoryStore } from '../storage/memory-store.js';
import { CommitCount, StoreView } from '../store-view.js';
import { LoopDelay } from './loop-delay.js';
import type { FromShard, JournalAnswer, Peer, ShardToJournal, ShardWorkerData, ToShard } from './protocol.js';
import { keepVitals } from './vitals.js';

/** How often a stopping shard looks whether it is idle. */
const IDLE_LOOK_MS = 5;
/** It must be found idle this often in a row: what was sent before the order to stop may lie in another port still. */
const IDLE_LOOKS = 3;

/** Runs this thread as a shard. `makeKinds` gets the settings that the system was started with. */
export function runShardWorker(makeKinds: (settings: unknown) => readonly AnyKind[]): void {
  invariant(parentPort !== null, 'a shard runs in a worker thread');
  const control = parentPort;
  const data = workerData as ShardWorkerData;
  const say = (message: FromShard): void => control.postMessage(message);

  const counters = new Counters(data.counterNames, data.memory.counters);
  const loopDelay = new LoopDelay();
  const meter = shardMeter(data.memory.meters, data.worker);
  keepVitals(meter);
  const reader = data.directory === undefined ? new MemoryStore() : openLmdbReader(data.directory);
  const shard = new Shard({
    kinds: makeKinds(data.settings),
    map: new ShardMap(data.memory.map),
    epochs: new Map(data.slots.map((slot) => [slot, data.fence.epoch])),
    view: new StoreView(reader, new CommitCount(data.memory.commits)),
    counters,
    reservations: new Reservations(counters, data.reservations),
    progress: new Progress(data.memory.progress),
    since: data.fence.group,
    journal: {
      submit: (batch, generation) => {
        const message: ShardToJournal = { kind: 'records', generation, batch };
        data.journal.postMessage(message, [batch]);
      },
    },
    settle: () => data.journal.postMessage({ kind: 'settle' } satisfies ShardToJournal),
    clock: systemClock,
    pulse: new Pulse(data.pulse),
    residentBytesMax: data.residentBytesMax,
    forceEncoding: data.forceEncoding,
    isDurable: data.directory !== undefined,
    isExplained: data.isExplained,
    meter,
    seed: data.seed,
    onLog: (line) => say({ kind: 'log', line: plainLine(line) }),
    onFailure: ({ address, message, attempts, isEscalated, error }) =>
      say({
        kind: 'turn-failed',
        address,
        message,
        attempts,
        isEscalated,
        error: errorText(error),
      }),
  });

  // One that a handler let run and did not wait for: its actor's turn is over, and its neighbours have nothing to do with it.
  process.on('unhandledRejection', (reason) => say({ kind: 'stray', error: errorText(reason) }));

  const ports = new Map<number, Peer['port']>();
  const connect = ({ peer, port, memory, side }: Peer): void => {
    const link = new Link({ postMessage: (value, transfer) => port.postMessage(value, [...transfer]) }, memory, side);
    const connection = shard.connect(peer, link);
    ports.set(peer, port);
    port.on('message', (batch: ArrayBuffer) => {
      if (ports.get(peer) === port) shard.receive(connection, batch);
    });
    port.on('close', () => {
      if (ports.get(peer) === port) ports.delete(peer);
    });
  };
  /** What a lost life of a peer has sent is not read any more: it could come behind what its next life says (G3). */
  const disconnect = (peer: number): void => {
    const port = ports.get(peer);
    ports.delete(peer);
    port?.close();
    shard.disconnect(peer);
  };
  for (const peer of data.peers) connect(peer);

  data.journal.on('message', (answer: JournalAnswer) => {
    switch (answer.kind) {
      case 'durable':
        shard.durable(answer.upTo);
        break;
      case 'applied':
        shard.applied(answer.upTo, answer.group);
        break;
      case 'failed':
        shard.commitFailed();
        break;
      default:
        answer satisfies never;
    }
  });

  const stopWhenIdle = (looksLeft: number): void => {
    if (looksLeft > 0) {
      setTimeout(() => stopWhenIdle(shard.isIdle ? looksLeft - 1 : IDLE_LOOKS), IDLE_LOOK_MS);
      return;
    }
    shard.close();
    void reader.close().then(() => {
      say({ kind: 'stopped' });
      // Whatever was posted is delivered before the thread ends; nothing else keeps it alive.
      for (const port of ports.values()) port.close();
      data.journal.close();
      control.close();
    });
  };

  control.on('message', (message: ToShard) => {
    switch (message.kind) {
      case 'connect':
        connect(message.peer);
        break;
      case 'disconnect':
        disconnect(message.peer);
        break;
      case 'report':
        say({
          kind: 'report',
          ticket: message.ticket,
          report: {
            ...shard.stats,
            recentDeadLetters: message.isBrief ? [] : shard.deadLetters.recent(),
            quarantine: message.isBrief ? [] : shard.quarantine.list(),
          },
        });
        break;
      case 'explain': {
        const { actors, thread } = shard.explain(message.top);
        const explanation = { actors, thread: { ...thread, loopDelayMs: loopDelay.take() } };
        say({ kind: 'explained', ticket: message.ticket, explanation });
        break;
      }
      case 'resume':
        say({ kind: 'done', ticket: message.ticket, found: shard.resume(message.address, message.skip) });
        break;
      case 'replay':
        say({ kind: 'done', ticket: message.ticket, found: shard.replay(message.letter) });
        break;
      case 'stop':
        stopWhenIdle(IDLE_LOOKS);
        break;
      default:
        message satisfies never;
    }
  });
  say({ kind: 'ready' });
}

/** What cannot be copied to another thread is told of as such: a log line must not fail a turn. */
function plainLine(line: LogLine): LogLine {
  try {
    return { ...line, details: structuredClone(line.details) };
  } catch {
    return { ...line, details: { details: 'they cannot be copied' } };
  }
}
