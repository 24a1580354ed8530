import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamCutOff } from '../../../src/contract/observe.js';
import { CodedError, type Fault } from '../../../src/errors.js';
import {
  EventStream,
  EventStreams,
  STALLED_MS,
  STREAM_MS,
  type StreamSocket,
  WAITING_BYTES_MAX,
} from '../../../src/transport/observation/event-streams.js';
import type { StreamHooks } from '../../../src/transport/observation/observer.js';
import type { EncodedEvent, ToObserver } from '../../../src/transport/observation/protocol.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const FROM_NOW = { since: null, filter: {} };

class Peer implements StreamSocket {
  bufferedBytes = 0;
  /** It takes nothing of what it is sent. */
  isStuck = false;
  readonly seqs: number[] = [];
  readonly marks: number[] = [];
  readonly ends: StreamCutOff[] = [];

  send({ seq, bytes }: EncodedEvent): void {
    assert.equal(this.ends.length, 0, 'nothing comes behind the end');
    this.seqs.push(seq);
    if (this.isStuck) this.bufferedBytes += bytes;
  }

  mark(position: number): void {
    assert.equal(this.ends.length, 0, 'nothing comes behind the end');
    this.marks.push(position);
  }

  cutOff(last: StreamCutOff): void {
    this.ends.push(last);
  }
}

function event(seq: number, bytes = 10): EncodedEvent {
  return { seq, json: 'x'.repeat(bytes), bytes };
}

class Stage {
  readonly clock = new ManualClock();
  readonly told: ToObserver[] = [];
  hooks!: StreamHooks;
  isTapped = false;
  isLost = false;
  isDraining = false;
  readonly streams: EventStreams;

  constructor(streamsMax = 10) {
    this.streams = new EventStreams({
      observer: {
        listen: (hooks) => {
          this.hooks = hooks;
        },
        tap: () => {
          if (this.isLost) throw new CodedError('WORKER_LOST');
          this.isTapped = true;
        },
        untap: () => {
          this.isTapped = false;
        },
        tell: (message) => this.told.push(message),
      },
      streamsMax,
      clock: this.clock,
      draining: () => this.isDraining,
    });
  }

  open(asked: Parameters<EventStream['open']>[1] = FROM_NOW): { stream: EventStream; peer: Peer; id: number } {
    const stream = this.streams.reserve();
    assert.ok(stream instanceof EventStream);
    const peer = new Peer();
    assert.equal(stream.open(peer, asked), undefined);
    return { stream, peer, id: stream.id };
  }

  live(streams: readonly number[], events: readonly EncodedEvent[]): void {
    this.hooks.live({ kind: 'live', events, shows: [{ streams, places: undefined }] });
  }

  past(stream: number, events: readonly EncodedEvent[]): void {
    this.hooks.past({ kind: 'past', stream, events, upTo: events.at(-1)!.seq });
  }

  count(kind: ToObserver['kind']): number {
    return this.told.filter((message) => message.kind === kind).length;
  }
}

const code = (stream: EventStream | Fault) => (stream instanceof EventStream ? 'a place' : stream.code);

describe('streams of events', () => {
  test('are so many and no more, and tapped only while there is one (ES1, ES3)', () => {
    const stage = new Stage(2);
    assert.equal(stage.isTapped, false);
    const [one, two] = [stage.open(), stage.open()];
    assert.equal(code(stage.streams.reserve()), 'OVERLOADED');
    one.stream.end();
    one.stream.end();
    assert.equal(stage.streams.count, 1);
    assert.ok(stage.isTapped);
    const kept = stage.streams.reserve();
    assert.equal(code(kept), 'a place');
    assert.equal(code(stage.streams.reserve()), 'OVERLOADED', 'a place is taken before it is used');
    two.stream.end();
    assert.equal(stage.isTapped, false, 'a place that is not open yet needs no tap');
    (kept as EventStream).end();
    assert.equal(stage.streams.count, 0);
    assert.deepEqual([stage.count('open'), stage.count('close')], [2, 2]);
  });

  test('are told a place that no event stands for: where they begin, and how far the past was looked through', () => {
    const stage = new Stage();
    const fresh = stage.open();
    stage.hooks.opened(fresh.id, 41);
    stage.live([fresh.id], [event(42)]);
    const late = stage.open({ since: 7, filter: {} });
    stage.hooks.opened(late.id, 41);
    stage.hooks.past({ kind: 'past', stream: late.id, events: [event(9)], upTo: 9 });
    stage.hooks.past({ kind: 'past', stream: late.id, events: [event(11)], upTo: 30 });
    stage.hooks.past({ kind: 'past', stream: late.id, events: [], upTo: 40 });
    assert.deepEqual([fresh.peer.marks, late.peer.marks, late.peer.seqs], [[41], [30, 40], [9, 11]]);
  });

  test('are not opened while the server stops or the thread is gone', () => {
    const stage = new Stage();
    const reserved = stage.streams.reserve() as EventStream;
    stage.isLost = true;
    assert.equal(reserved.open(new Peer(), FROM_NOW)?.code, 'WORKER_LOST');
    assert.equal(stage.streams.count, 0);
    stage.isLost = false;
    const late = stage.streams.reserve() as EventStream;
    stage.isDraining = true;
    assert.equal(late.open(new Peer(), FROM_NOW)?.code, 'DRAINING');
    assert.equal(code(stage.streams.reserve()), 'DRAINING');
    assert.equal(stage.streams.count, 0);
  });

  test('cut off who does not read, behind the last that was sent, and nobody else (ES2)', () => {
    const stage = new Stage();
    const [slow, quick] = [stage.open(), stage.open()];
    slow.peer.isStuck = true;
    const bytes = 100_000;
    const many = Array.from({ length: 30 }, (_, i) => event(i + 1, bytes));
    for (const one of many) stage.live([slow.id, quick.id], [one]);
    assert.deepEqual(
      quick.peer.seqs,
      many.map(({ seq }) => seq),
    );
    const sent = slow.peer.seqs.length;
    assert.ok(slow.peer.bufferedBytes <= WAITING_BYTES_MAX + 2 * bytes);
    assert.ok(slow.peer.bufferedBytes > WAITING_BYTES_MAX);
    assert.deepEqual(slow.peer.ends, [{ type: 'cut_off', resume_after_seq: sent, reason: 'slow' }]);
    assert.equal(stage.streams.count, 1);
    assert.equal(stage.count('shown'), many.length, 'what is passed on is told, whoever has gone');
  });

  test('bear one event that is larger than what may wait', () => {
    const stage = new Stage();
    const { peer, id } = stage.open();
    peer.isStuck = true;
    stage.live([id], [event(1, 3 * WAITING_BYTES_MAX)]);
    stage.live([id], [event(2)]);
    assert.deepEqual([peer.seqs, peer.ends], [[1, 2], []]);
    stage.live([id], [event(3)]);
    assert.equal(peer.ends[0]?.resume_after_seq, 2);
  });

  test('have more of the past when they have taken what they were shown, and are cut off when they take none (ES2)', () => {
    const stage = new Stage();
    const { peer, stream, id } = stage.open({ since: 5, filter: {} });
    stage.past(id, [event(6)]);
    assert.equal(stage.count('taken'), 1, 'what has left at once is taken at once');
    peer.isStuck = true;
    stage.past(id, [event(7, 50_000)]);
    assert.equal(stage.count('taken'), 1);
    stream.drained();
    assert.equal(stage.count('taken'), 1, 'most of it waits still');
    stage.clock.advance(STALLED_MS - 1);
    peer.bufferedBytes = 0;
    stream.drained();
    stream.drained();
    assert.equal(stage.count('taken'), 2);
    stage.clock.advance(STALLED_MS);
    assert.deepEqual(peer.ends, []);
    stage.past(id, [event(8, 50_000)]);
    stage.clock.advance(STALLED_MS);
    assert.deepEqual(peer.ends, [{ type: 'cut_off', resume_after_seq: 8, reason: 'slow' }]);
  });

  test('end where what they would be shown next is archived, and say where the log begins (ES2)', () => {
    const stage = new Stage();
    const { peer, id } = stage.open({ since: 5, filter: {} });
    const other = stage.open({ since: 5, filter: {} });
    stage.past(id, [event(6)]);
    stage.hooks.archived(id, 900);
    stage.hooks.archived(id, 900);
    assert.deepEqual(peer.ends, [{ type: 'cut_off', resume_after_seq: 900, reason: 'archived' }]);
    assert.deepEqual([peer.seqs, other.peer.ends, stage.streams.count], [[6], [], 1]);
  });

  test('end after their time, with the server, and with the thread: each says where it can go on (ES2)', () => {
    const stage = new Stage();
    const old = stage.open();
    stage.hooks.opened(old.id, 41);
    stage.clock.advance(STREAM_MS - 1);
    const young = stage.open({ since: 7, filter: {} });
    const unplaced = stage.open();
    stage.live([old.id], [event(42)]);
    stage.clock.advance(1);
    assert.deepEqual(old.peer.ends, [{ type: 'cut_off', resume_after_seq: 42, reason: 'time_over' }]);
    stage.hooks.lost();
    assert.deepEqual(young.peer.ends, [{ type: 'cut_off', resume_after_seq: 7, reason: 'observer_lost' }]);
    assert.deepEqual(unplaced.peer.ends, [{ type: 'cut_off', resume_after_seq: null, reason: 'observer_lost' }]);
    const last = stage.open();
    stage.streams.drain();
    assert.equal(last.peer.ends[0]?.reason, 'draining');
    assert.equal(stage.streams.count, 0);
    // What was on its way meets nobody.
    stage.live([old.id, young.id], [event(43)]);
    stage.past(young.id, [event(43)]);
  });
});
