// What the compiler lets a user of the library write, and what it does not. A line that ends in `// wrong` must be refused
// there, and nothing else may be: the programs are compiled as text, so that the build of this repository never sees them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Complaint, compile } from './compiler.js';

const WRONG = '// wrong';

const PRELUDE = `
import { actor, createSystem, LATER, protocol, refuse, type Context, type Streamed } from 'troupe';

const counter = actor({
  kind: 'counter',
  state: () => ({ count: 0 }),
  messages: {
    add(context, by: number) {
      context.state.count += by;
      return context.state.count;
    },
    reset(context) {
      context.state = { count: 0 };
    },
    take(context, by: number) {
      if (by > context.state.count) return refuse('CONFLICT');
      return context.state.count - by;
    },
    maybe(_context, isThere: boolean) {
      return isThere ? 'there' : undefined;
    },
    async slowly(_context, text: string) {
      return { text };
    },
    later(context, isSure: boolean) {
      context.replyHandle();
      return isSure ? 'sure' : LATER;
    },
    *upTo(_context, last: number) {
      for (let i = 0; i < last; i++) yield i;
    },
    async *letters(_context, text: string) {
      yield* text;
    },
  },
});

type Said = {
  tick: { args: { at: number }; reply: null };
  get: { args: undefined; reply: number };
  all: { args: undefined; reply: Streamed<string> };
};
const clock = protocol<Said>('clock', ['tick', 'get', 'all']);
const system = await createSystem({ kinds: [] });
const ref = system.ref(counter, 'a');
const time = system.ref(clock, 'a');
`;

function program(text: string): string {
  return `${PRELUDE}${text}`;
}

function linesMarkedWrong(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.trimEnd().endsWith(WRONG) ? [index + 1] : []));
}

function holds(text: string): void {
  const whole = program(text);
  const lines = whole.split('\n');
  const complaints = compile(whole);
  const expected = linesMarkedWrong(whole);
  const isExpected = ({ line }: Complaint): boolean => expected.includes(line);
  const unexpected = complaints.filter((each) => !isExpected(each));
  assert.deepEqual(
    unexpected.map(({ line, code, text: said }) => `${lines[line - 1]}  ${code}: ${said}`),
    [],
  );
  const missed = expected.filter((line) => !complaints.some((each) => each.line === line));
  assert.deepEqual(
    missed.map((line) => lines[line - 1]),
    [],
    'the compiler lets through what it should not',
  );
}

describe('the types of the library', { timeout: 120_000 }, () => {
  it('let through what works, with the replies that handlers give', () => {
    holds(`
const count: number = await ref.ask('add', 1);
const nothing: null = await ref.ask('reset');
const taken: number = await ref.ask('take', 1, { timeoutMs: 10, durability: 'volatile' });
const { text }: { text: string } = await ref.ask('slowly', 'a');
const maybe: string | null = await ref.ask('maybe', true);
const sure: string = await ref.ask('later', true);
for await (const item of ref.stream('upTo', 3)) item.toFixed();
for await (const letter of ref.stream('letters', 'abc', { signal: AbortSignal.timeout(10) })) letter.toUpperCase();
const sent: boolean = ref.tell('add', 1) && ref.tell('reset') && ref.tell('upTo', 3);
const at: null = await time.ask('tick', { at: 1 });
const read: number = await time.ask('get');
for await (const line of time.stream('all')) line.trim();
const ending: 'stopped' | 'failed' | 'quarantined' | 'lost' = await ref.watch();
actor<{ count: number }, Said>({
  protocol: clock,
  state: () => ({ count: 0 }),
  messages: {
    tick(context, { at }) {
      context.state.count = at;
      context.schedule('again', 10, 'tick', { at: at + 1 });
      context.remind('again', at + 1, 'get', undefined);
      context.tell(counter, 'a', 'add', 1);
      context.watch(counter, 'a', 'tick');
      return null;
    },
    async get(context) {
      const answer = await context.ask(counter, 'a', 'add', 1);
      return answer.ok ? answer.value.valueOf() : context.state.count;
    },
    *all() {
      yield 'one';
    },
  },
});
console.log(count, nothing, taken, text, maybe, sure, sent, at, read, ending);
`);
  });

  it('refuse a wrong message, wrong arguments, and a wrong use of a reply', () => {
    holds(`
await ref.ask('sub', 1); // wrong
await ref.ask('add', 'one'); // wrong
await ref.ask('add'); // wrong
ref.tell('sub', 1); // wrong
ref.tell('add', '1'); // wrong
ref.tell('add', 1, { timeoutMs: 10 }); // wrong
(await ref.ask('add', 1)).trim(); // wrong
(await ref.ask('reset')).toFixed(); // wrong
(await ref.ask('maybe', true)).trim(); // wrong
(await ref.ask('slowly', 'a')).txt; // wrong
await time.ask('tick', { when: 1 }); // wrong
await time.ask('tock'); // wrong
(await time.ask('get')).trim(); // wrong
await ref.ask('add', 1, { durability: 'eternal' }); // wrong
`);
  });

  it('refuse to ask for a stream, and to stream a single answer', () => {
    holds(`
await ref.ask('upTo', 3); // wrong
await ref.ask('letters', 'abc'); // wrong
ref.stream('add', 3); // wrong
await time.ask('all'); // wrong
time.stream('get'); // wrong
for await (const item of ref.stream('upTo', 3)) item.trim(); // wrong
ref.stream('upTo', 'three'); // wrong
`);
  });

  it('refuse keys that are not texts, and what is no kind', () => {
    holds(`
system.ref(counter, 7); // wrong
system.ref({ kind: 'counter' }, 'a'); // wrong
await createSystem({ kinds: [counter] }); // wrong
await createSystem({ kinds: [], workers: 'all' }); // wrong
`);
  });

  it('refuse wrong messages to others and to oneself, within a handler', () => {
    holds(`
export function tick(context: Context<{ count: number }, Said>): void {
  context.tell(counter, 'a', 'sub', 1); // wrong
  context.tell(counter, 'a', 'add', 'one'); // wrong
  context.tell(counter, 7, 'add', 1); // wrong
  context.schedule('again', 10, 'tock', undefined); // wrong
  context.schedule('again', 10, 'tick', { when: 1 }); // wrong
  context.remind('again', 10, 'tock', undefined); // wrong
  context.remind('again', 10, 'tick', undefined); // wrong
  context.watch(counter, 'a', 'tock'); // wrong
  context.state.total = 1; // wrong
  context.state.count = 'one'; // wrong
  context.now = 1; // wrong
}
`);
  });

  it('refuse a kind that does not do what its protocol says', () => {
    holds(`
const state = () => ({ count: 0 });
actor<{ count: number }, Said>({ protocol: clock, state, messages: { tick: () => null, get: () => 1 } }); // wrong
actor<{ count: number }, Said>({
  protocol: clock,
  state,
  messages: {
    tick: () => null,
    get: () => 'one', // wrong
    *all() { // wrong
      yield 1;
    },
  },
});
actor({ kind: 'odd', state, persistence: 'sometimes', messages: {} }); // wrong
protocol<Said>('clock', ['tick', 'tock']); // wrong
refuse('NO_SUCH_CODE'); // wrong
`);
  });
});
