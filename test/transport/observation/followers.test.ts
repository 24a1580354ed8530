import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { trimmedUpTo } from '../../../src/runtime/event-trim.js';
import { Followers, SENDS_MAX, SHOW_BYTES_MAX, SHOWS_MAX } from '../../../src/transport/observation/followers.js';
import type { EncodedEvent, EventFilter, FromObserver } from '../../../src/transport/observation/protocol.js';
import { RECENT_BYTES_MAX } from '../../../src/transport/observation/recent-events.js';
import { EventLog, type PlannedEvent } from './event-log.js';

interface Watcher {
  readonly since: number | null;
  readonly filter: EventFilter;
  readonly endAtOpen: number;
  /** The end of the log, as the follower knew it, when it began. */
  begunAt: number;
  readonly seen: EncodedEvent[];
  pastsNotTaken: number;
  isClosed: boolean;
}

/** Followers with everything around them moved by hand. */
class Stage {
  readonly log = new EventLog();
  readonly watchers = new Map<number, Watcher>();
  readonly followers: Followers;
  showsNotPassed = 0;
  pastsSaid = 0;
  livesSaid = 0;
  endedForArchives = 0;
  #soon: (() => void)[] = [];
  #later: (() => void)[] = [];
  /** The tap lost what came since. */
  #isMissing = false;
  /** What the tap has told, and nobody has read; undefined: it is read at once. */
  #backlog: (() => void)[] | undefined;
  readonly #rewritten = new Set<number>();

  constructor() {
    this.followers = new Followers({
      reader: this.log.tables,
      say: (message) => this.#hear(message),
      soon: (run) => this.#soon.push(run),
      after: (_, run) => this.#later.push(run),
    });
  }

  tap(): void {
    this.followers.missed(this.log.last + 1);
  }

  emit(planned: readonly PlannedEvent[], isTold = true): void {
    const before = this.log.last;
    const events = this.log.add(planned);
    if (!isTold) {
      this.#isMissing = true;
      return;
    }
    const wasMissing = this.#isMissing;
    this.#isMissing = false;
    const read = (): void => {
      if (wasMissing) this.followers.missed(before + 1);
      this.followers.events(events);
    };
    if (this.#backlog === undefined) read();
    else this.#backlog.push(read);
  }

  /** Nobody reads the tap, until readTap(). */
  hold(): void {
    this.#backlog ??= [];
  }

  readTap(): void {
    for (const read of this.#backlog ?? []) read();
    this.#backlog = undefined;
  }

  /** All is in the tables, where some event holds something else from now on. */
  rewrite(part: number): void {
    this.log.apply();
    const seq = Math.ceil(this.log.last * part);
    if (seq > 0) {
      this.log.rewrite(seq, 'gone');
      this.#rewritten.add(seq);
    }
    this.followers.forget();
  }

  open(stream: number, since: number | null, filter: EventFilter): void {
    const endAtOpen = this.log.last;
    this.watchers.set(stream, { since, filter, endAtOpen, begunAt: -1, seen: [], pastsNotTaken: 0, isClosed: false });
    this.followers.open(stream, since, filter);
  }

  close(stream: number): void {
    const watcher = this.watchers.get(stream);
    if (watcher === undefined || watcher.isClosed) return;
    watcher.isClosed = true;
    this.followers.close(stream);
  }

  /** Some turns of the loop. */
  turn(turns: number): void {
    for (let i = 0; i < turns; i++) for (const run of this.#soon.splice(0)) run();
  }

  timers(): void {
    for (const run of this.#later.splice(0)) run();
  }

  pass(): void {
    if (this.showsNotPassed === 0) return;
    this.showsNotPassed--;
    this.followers.shown();
  }

  take(stream: number): void {
    const watcher = this.watchers.get(stream);
    if (watcher === undefined || watcher.pastsNotTaken === 0) return;
    watcher.pastsNotTaken--;
    this.followers.taken(stream);
  }

  /** Everybody reads on, until nothing moves any more. */
  settle(): void {
    this.readTap();
    this.log.apply();
    this.emit([{ type: 'last', about: 'ann' }]);
    this.log.apply();
    for (let quiet = 0, round = 0; quiet < 3; round++) {
      assert.ok(round < 100_000, 'it comes to rest');
      const before = this.#size();
      this.pass();
      for (const stream of this.watchers.keys()) this.take(stream);
      this.turn(1);
      this.timers();
      quiet = this.#size() === before && this.#soon.length === 0 && this.showsNotPassed === 0 ? quiet + 1 : 0;
    }
  }

  verify(): void {
    for (const [stream, watcher] of this.watchers) {
      const from = watcher.since ?? watcher.begunAt;
      if (watcher.since === null)
        assert.ok(from >= 0 && from <= watcher.endAtOpen, 'nothing after its opening is left out');
      const { types, agent } = watcher.filter;
      const wanted = this.log.events.filter(
        ({ seq, type, about }) =>
          seq > from && (types?.includes(type) ?? true) && (agent === undefined || about === agent),
      );
      const expected = wanted.map(({ seq }) => seq);
      const seen = watcher.seen.map(({ seq }) => seq);
      if (watcher.isClosed) expected.length = Math.min(expected.length, seen.length);
      assert.deepEqual(seen, expected, `stream ${stream}`);
      for (const { seq, json } of watcher.seen) {
        const { type, about, text = '' } = this.log.events[seq - 1]!;
        const ts = new Date(1000 + seq).toISOString();
        const seen = JSON.parse(json) as { readonly data: object };
        // What it held before may have been seen before.
        const data = this.#rewritten.has(seq) ? seen.data : { text };
        assert.deepEqual(seen, { seq, ts, type, agent: about, data });
      }
    }
  }

  #size(): number {
    let size = 0;
    for (const { seen } of this.watchers.values()) size += seen.length;
    return size;
  }

  #hear(message: FromObserver): void {
    switch (message.kind) {
      case 'opened':
        this.watchers.get(message.stream)!.begunAt = message.after;
        return;
      case 'past': {
        this.pastsSaid++;
        this.#bound(message.events, message.events.length);
        const watcher = this.watchers.get(message.stream)!;
        assert.ok(!watcher.isClosed, 'a closed stream is shown nothing');
        assert.equal(++watcher.pastsNotTaken, 1, 'a stream of the past has one message (FO3)');
        watcher.seen.push(...message.events);
        break;
      }
      case 'live': {
        this.livesSaid++;
        let sends = 0;
        for (const { streams, places } of message.shows) {
          const shown = places === undefined ? message.events : places.map((place) => message.events[place]!);
          for (const stream of streams) {
            sends += shown.length;
            assert.ok(!this.watchers.get(stream)!.isClosed, 'a closed stream is shown nothing');
            this.watchers.get(stream)!.seen.push(...shown);
          }
        }
        this.#bound(message.events, sends);
        break;
      }
      case 'archived': {
        const watcher = this.watchers.get(message.stream)!;
        assert.ok(!watcher.isClosed, 'it ends once');
        assert.equal(message.upTo, trimmedUpTo(this.log.tables));
        assert.ok((watcher.seen.at(-1)?.seq ?? 0) < message.upTo, 'it had something to see that is gone (FO6)');
        watcher.isClosed = true;
        this.endedForArchives++;
        return;
      }
      default:
        assert.fail(`nobody asked for ${message.kind}`);
    }
    assert.ok(++this.showsNotPassed <= SHOWS_MAX, 'few messages are on their way (FO2)');
  }

  #bound(events: readonly EncodedEvent[], sends: number): void {
    assert.ok(events.length > 0);
    for (const { seq, json } of events) {
      if (this.#rewritten.has(seq)) assert.match(json, /"text":"gone"/, 'what it held before is not shown (FO5)');
    }
    const beforeLast = events.slice(0, -1).reduce((sum, { json }) => sum + json.length, 0);
    // The bound is counted in the bytes of the log; JSON has names too.
    assert.ok(beforeLast <= 4 * SHOW_BYTES_MAX, `${beforeLast} bytes`);
    assert.ok(sends < SENDS_MAX + this.watchers.size || events.length === 1, `${sends} sends`);
  }
}

const event = fc.record({
  type: fc.constantFrom('sent', 'written', 'read'),
  about: fc.constantFrom('ann', 'bob', null),
  text: fc.constantFrom('', '', 'short', 'x'.repeat(SHOW_BYTES_MAX / 2)),
});
const filter: fc.Arbitrary<EventFilter> = fc.oneof(
  fc.constant({}),
  fc.record({ types: fc.constantFrom(['sent'], ['sent', 'read'], ['never']) }),
  fc.record({ agent: fc.constantFrom('ann', 'nobody') }),
  fc.record({ types: fc.constantFrom(['sent'], ['written']), agent: fc.constantFrom('ann', 'bob') }),
);
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('emit' as const), events: fc.array(event, { maxLength: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), events: fc.array(event, { maxLength: 5 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('open' as const), since: fc.option(fc.nat(60)), filter }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), stream: fc.nat(10) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const), turns: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), stream: fc.nat(10) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('apply' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('trim' as const), part: fc.constantFrom(1, 1, 0.7) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('timers' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('readTap' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('rewrite' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);

describe('followers', () => {
  test('show every stream what it wants, once and in order, whatever is late, lost, rewritten or archived on the way (FO1, FO2, FO3, FO5, FO6)', () => {
    let joined = 0;
    let past = 0;
    let ended = 0;
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.array(act, { maxLength: 80, size: 'max' }), (before, acts) => {
        const stage = new Stage();
        stage.emit(before, false);
        let streams = 0;
        let isTapped = false;
        for (const each of acts) {
          switch (each.do) {
            case 'emit':
              if (isTapped) stage.emit(each.events);
              break;
            case 'lose':
              stage.emit(each.events, false);
              break;
            case 'open':
              if (!isTapped) stage.tap();
              isTapped = true;
              stage.open(streams++, each.since, each.filter);
              break;
            case 'close':
              stage.close(each.stream);
              break;
            case 'turn':
              stage.turn(each.turns);
              break;
            case 'pass':
              stage.pass();
              break;
            case 'take':
              stage.take(each.stream);
              break;
            case 'apply':
              stage.log.apply(Math.floor(stage.log.last * each.part));
              break;
            case 'trim':
              stage.log.trim(each.part);
              break;
            case 'timers':
              stage.timers();
              break;
            case 'hold':
              stage.hold();
              break;
            case 'readTap':
              stage.readTap();
              break;
            case 'rewrite':
              stage.rewrite(each.part);
              break;
            default:
              each satisfies never;
          }
        }
        if (!isTapped) return;
        stage.settle();
        stage.verify();
        joined += stage.livesSaid;
        past += stage.pastsSaid;
        ended += stage.endedForArchives;
      }),
      { numRuns: 1500 },
    );
    assert.ok(joined > 200 && past > 1000, `${joined} live, ${past} past: both ways were gone`);
    assert.ok(ended > 3, `${ended} ended because what they had to see is archived`);
  });

  test('go back to the tables when what is at hand has passed them by, and miss nothing', () => {
    const stage = new Stage();
    stage.tap();
    stage.open(1, null, {});
    stage.open(2, null, { types: ['rare'] });
    stage.turn(5);
    stage.emit([{ type: 'sent', about: null }]);
    stage.turn(5);
    assert.equal(stage.watchers.get(1)!.seen.length, 1);
    // Nobody passes anything on, and more comes than is kept.
    const text = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < (2 * RECENT_BYTES_MAX) / text.length; i++) {
      stage.emit([{ type: i === 30 ? 'rare' : 'sent', about: null, text }]);
      stage.turn(1);
    }
    stage.settle();
    stage.verify();
    assert.ok(stage.pastsSaid > 0);
    assert.equal(stage.watchers.get(2)!.seen.length, 1);
  });

  test('encode an event once for all who are live, and not at all when nobody wants it (FO4)', () => {
    const stage = new Stage();
    stage.tap();
    for (let stream = 0; stream < 50; stream++) stage.open(stream, null, stream % 2 === 0 ? {} : { types: ['sent'] });
    stage.turn(200);
    stage.emit([{ type: 'sent', about: null }]);
    stage.turn(5);
    assert.equal(stage.livesSaid, 1);
    const texts = new Set([...stage.watchers.values()].map(({ seen }) => seen[0]));
    assert.equal(texts.size, 1, 'all have the same one');
    stage.settle();
    stage.verify();
  });

  test('begin in the future where they are told to, and not before', () => {
    const stage = new Stage();
    stage.tap();
    stage.open(1, 3, {});
    stage.turn(3);
    for (let i = 0; i < 6; i++) {
      stage.emit([{ type: 'sent', about: null }]);
      stage.turn(3);
      stage.pass();
      stage.take(1);
    }
    stage.settle();
    stage.verify();
  });
});
