import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import type { Actors, Answer } from '../../../src/runtime/ref.js';
import { REMOVALS_WAITING_MAX, RETRY_MS, Removals } from '../../../src/transport/removal/removals.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const KEY = { kind: 'key', id: 'k' } as const;
const MESSAGE = { kind: 'message', id: '0190a000-0000-7000-8000-000000000001' } as const;

/** The steps in their order; each is played. */
class Stage {
  readonly clock = new ManualClock();
  readonly steps: string[] = [];
  readonly due: { id: string; target: object }[] = [];
  /** The step that fails, and with what. */
  failing: string | undefined;
  readonly held: (() => void)[] = [];
  isHeld = false;
  /** Where the event of the message is, in a log of 100 that begins, by its time, at `from`. */
  at = 70;
  from = 50;
  readonly removals = new Removals({
    actors: {
      ask: (_to: object, key: string, message: string, args: object) => this.#ask(key, message, args),
    } as unknown as Actors,
    observation: {
      look: (async (kind: string, asked: { after: number }) => this.#look(kind, asked.after)) as never,
      forget: () => this.#step('forget'),
    },
    settled: () => this.#step('settled'),
    scrubbed: () => this.#step('scrubbed'),
    pauseArchives: async () => {
      await this.#step('pause');
      return () => void this.steps.push('resume');
    },
    redactSessions: (agent) => this.steps.push(`sessions of ${agent}`),
    clock: this.clock,
    log: createLog({ level: 'silent' }),
  });

  async #step(what: string): Promise<void> {
    this.steps.push(what);
    if (this.isHeld) await new Promise<void>((resume) => this.held.push(resume));
    if (this.failing === what) throw new CodedError('OVERLOADED', { what });
  }

  async #ask(_key: string, message: string, args: object): Promise<Answer<unknown>> {
    await this.#step(message);
    switch (message) {
      case 'due':
        return ok({ removals: [...this.due] });
      case 'done':
        this.due.shift();
        return ok(null);
      case 'remove': {
        const { order, messageId } = args as { order: { id: string }; messageId?: string };
        const removal = { id: order.id, target: messageId === undefined ? KEY : MESSAGE };
        this.due.push(removal);
        return ok(messageId === undefined ? { removal, isNew: true } : removal);
      }
      default:
        return ok(null);
    }
  }

  #look(kind: string, after: number): object {
    this.steps.push(kind === 'message' ? `message behind ${after}` : kind);
    switch (kind) {
      case 'time':
        return { seq: this.from };
      case 'message': {
        const isFound = this.at > after && this.at <= after + 30;
        const message = isFound ? { seq: this.at, to: 'tab_a', contentHash: 'h' } : undefined;
        return { message, next: after + 30, isEnd: isFound || after + 30 >= 100 };
      }
      case 'contents':
        return { events: [{ seq: 1, event: new Uint8Array() }], next: after + 50, isEnd: after >= 50 };
      default:
        return { seq: undefined, removal: undefined, next: 0, isEnd: true };
    }
  }
}

const ok = (value: unknown): Answer<unknown> => ({ ok: true, value, replayed: false });
const coded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

describe('a removal', () => {
  test('is answered when its events are rewritten, in the tables, out of the streams and out of the files (RS2)', async () => {
    const stage = new Stage();
    const removal = await stage.removals.remove(KEY, 'why');
    assert.equal(removal?.target, KEY);
    assert.deepEqual(stage.steps, [
      ...[
        'due',
        'settled',
        'remove',
        'due',
        'pause',
        'settled',
        'archives',
        'contents',
        'rewrite',
        'contents',
        'rewrite',
      ],
      ...['settled', 'resume', 'forget', 'scrubbed', 'done', 'due'],
    ]);
    assert.deepEqual(stage.due, []);
  });

  test('waits for the one before it, and at most so many wait (RS1)', async () => {
    const stage = new Stage();
    stage.isHeld = true;
    const asked = Array.from({ length: REMOVALS_WAITING_MAX }, () => stage.removals.remove(KEY, 'why'));
    await assert.rejects(stage.removals.remove(KEY, 'one more'), coded('OVERLOADED'));
    await turns();
    assert.deepEqual(stage.steps, ['due'], 'one at a time');
    stage.isHeld = false;
    for (const resume of stage.held) resume();
    assert.equal((await Promise.all(asked)).length, REMOVALS_WAITING_MAX);
    assert.equal(stage.steps.filter((step) => step === 'remove').length, REMOVALS_WAITING_MAX);
    await stage.removals.remove(KEY, 'there is room again');
  });

  test('whose steps fail says so, is tried again by itself, and finished before the next one begins (RS3)', async () => {
    for (const failing of ['rewrite', 'forget', 'scrubbed', 'done']) {
      const stage = new Stage();
      stage.failing = failing;
      await assert.rejects(stage.removals.remove(KEY, 'why'), coded('OVERLOADED'));
      assert.equal(stage.due.length, 1);
      stage.clock.advance(RETRY_MS);
      await turns();
      assert.equal(stage.due.length, 1, `${failing} fails still`);
      stage.failing = undefined;
      stage.clock.advance(RETRY_MS);
      await turns();
      assert.equal(stage.due.length, 0, `${failing} was tried again`);
      stage.steps.length = 0;
      await stage.removals.remove(KEY, 'why');
      assert.equal(stage.steps.filter((step) => step === 'done').length, 1);
    }
  });

  test('that the last process left is finished by this one (RS3)', async () => {
    const stage = new Stage();
    stage.due.push({ id: 'old', target: MESSAGE });
    stage.removals.resume();
    await turns();
    assert.deepEqual(stage.due, []);
    assert.ok(stage.steps.includes('scrubbed'));
  });

  test('of a message looks from about its time on, then before it, and then gives up', async () => {
    const stage = new Stage();
    await stage.removals.remove(MESSAGE, 'why');
    assert.deepEqual(stage.steps.slice(0, 14), [
      ...['due', 'settled', 'removal', 'time', 'message behind 50', 'inbox', 'remove'],
      ...['due', 'pause', 'settled', 'archives', 'time', 'message behind 50', 'sessions of tab_a'],
    ]);
    const early = new Stage();
    early.at = 20;
    assert.notEqual(await early.removals.remove(MESSAGE, 'the clock was set back'), undefined);
    const looked = early.steps.filter((step) => step.startsWith('message'));
    assert.deepEqual(looked.slice(0, 3), ['message behind 50', 'message behind 80', 'message behind 0']);
    const never = new Stage();
    never.at = 1000;
    assert.equal(await never.removals.remove(MESSAGE, 'why'), undefined);
    assert.ok(!never.steps.includes('remove'));
    assert.deepEqual(never.steps.slice(-1), ['due']);
  });

  test('is not begun when the server stops, and what is left is for the next process', async () => {
    const stage = new Stage();
    stage.isHeld = true;
    const asked = assert.rejects(stage.removals.remove(KEY, 'why'), coded('DRAINING'));
    const waiting = assert.rejects(stage.removals.remove(KEY, 'behind it'), coded('DRAINING'));
    await turns();
    const stopped = stage.removals.stop();
    stage.isHeld = false;
    // It goes on to its next search, and ends there.
    for (const resume of stage.held) resume();
    await Promise.all([asked, waiting, stopped]);
    assert.equal(stage.due.length, 1);
    stage.clock.advance(RETRY_MS);
    await turns();
    assert.equal(stage.due.length, 1);
  });
});
