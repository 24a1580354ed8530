// Answers without an end: what leaves, what waits, and how they are over.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ListenerOptions } from '../../../src/transport/listener/listener.js';
import type { OpenAnswer } from '../../../src/transport/listener/open-answer.js';
import { SEND_BUFFER_BYTES_MAX } from '../../../src/transport/listener/socket-bounds.js';
import { HOST, type Running, type Stage, type Subject, TEXT } from './listener-stage.js';
import { eventually, type RawClient } from './raw-client.js';

const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** What the system holds of one loopback connection, at most. */
const SYSTEM_BYTES_MAX = 16 * MIB;

/** An answer that was begun, and what its handler was told. */
interface Witness {
  readonly answer: OpenAnswer;
  readonly calls: string[];
}

interface Serving extends Running {
  readonly witnesses: Witness[];
  /** A client whose answer was begun, and the far end of it. */
  begin(): Promise<[client: RawClient, witness: Witness]>;
}

async function serve(
  stage: Stage,
  drained: (witness: Witness) => void = () => undefined,
  options: Partial<ListenerOptions> = {},
): Promise<Serving> {
  const witnesses: Witness[] = [];
  const running = await stage.listen((exchange) => {
    const calls: string[] = [];
    const answer = exchange.begin(200, TEXT, 'first;', {
      drained: () => {
        calls.push('drained');
        drained(witness);
      },
      closed: () => calls.push('closed'),
    });
    if (answer === undefined) return;
    const witness = { answer, calls };
    witnesses.push(witness);
  }, options);
  return {
    ...running,
    witnesses,
    async begin() {
      const client = await running.connect();
      const count = witnesses.length;
      client.send(GET);
      await eventually('the answer is begun', () => witnesses.length > count);
      return [client, witnesses[count]!];
    },
  };
}

/** What stands in the chunks that a client has received so far, and whether the last one was among them. */
function chunksOf(client: RawClient): { readonly text: string; readonly isWhole: boolean } {
  const { text } = client;
  let at = text.indexOf('\r\n\r\n') + 4;
  const parts: string[] = [];
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (at < 4 || lineEnd < 0) return { text: parts.join(''), isWhole: false };
    const bytes = Number.parseInt(text.slice(at, lineEnd), 16);
    assert.ok(Number.isSafeInteger(bytes), `a chunk of ${text.slice(at, lineEnd)}`);
    if (bytes === 0) return { text: parts.join(''), isWhole: true };
    parts.push(text.slice(lineEnd + 2, lineEnd + 2 + bytes));
    at = lineEnd + 2 + bytes + 2;
  }
}

function numbered(n: number, bytes = PIECE_BYTES): string {
  return `${n};`.padEnd(bytes, '.');
}

/** Writes numbered pieces until so much waits. */
function fill({ answer }: Witness, bytes: number, from = 0): number {
  let n = from;
  for (; answer.bufferedBytes < bytes && n < from + 1000; n += 1) assert.equal(answer.write(numbered(n)), true);
  return n;
}

/** The numbers of whole pieces, in the order in which they came. */
function numbersOf(text: string): number[] {
  return [...text.matchAll(/(\d+);/g)].map((match) => Number(match[1]));
}

export function openConformance(subject: Subject, stage: Stage): void {
  it('sends the head and the first piece at once, then what is written, and says that it is the last (O1, O4)', async () => {
    const { begin } = await serve(stage);
    const [client, { answer }] = await begin();
    await eventually('the first piece', () => chunksOf(client).text === 'first;');
    assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(client.text, /\r\ncontent-type: text\/plain\r\n/i);
    assert.match(client.text, /\r\ntransfer-encoding: chunked\r\n/i);
    assert.match(client.text, /\r\nconnection: close\r\n/i);
    assert.doesNotMatch(client.text, /content-length/i);
    assert.deepEqual([answer.write('one'), answer.write(''), answer.write(new Uint8Array(0))], [true, true, true]);
    assert.equal(answer.write(Buffer.from(' two')), true);
    await eventually('both', () => chunksOf(client).text === 'first;one two');
    answer.write(' three');
    answer.end();
    await eventually('the end', () => chunksOf(client).isWhole);
    assert.equal(chunksOf(client).text, 'first;one two three');
  });

  it('takes bytes that are used again, and text as UTF-8', async () => {
    const { begin } = await serve(stage);
    const [client, { answer }] = await begin();
    const bytes = Buffer.from('kept;');
    answer.write(bytes);
    bytes.fill('x');
    answer.write('grüße');
    answer.end();
    await eventually('the end', () => chunksOf(client).isWhole);
    assert.equal(Buffer.from(chunksOf(client).text, 'latin1').toString('utf8'), 'first;kept;grüße');
  });

  it('tells its end once, and takes nothing behind it (O2)', async () => {
    const { begin, listener } = await serve(stage);
    const [ended, one] = await begin();
    one.answer.end();
    assert.deepEqual(one.calls, ['closed']);
    one.answer.end();
    one.answer.terminate();
    assert.deepEqual([one.answer.write('late'), one.answer.bufferedBytes, one.calls], [false, 0, ['closed']]);
    await eventually('the end', () => chunksOf(ended).isWhole);
    const [cut, two] = await begin();
    two.answer.terminate();
    assert.deepEqual([two.calls, two.answer.write('late')], [['closed'], false]);
    await cut.end();
    assert.equal(chunksOf(cut).isWhole, false);
    const [gone, three] = await begin();
    gone.destroy();
    await eventually('the word', () => three.calls.length > 0);
    three.answer.end();
    assert.deepEqual(three.calls, ['closed']);
    ended.destroy();
    await eventually('all are gone', () => listener.connections === 0);
  });

  it('is one answer, whatever is said beside it (L3)', async () => {
    const said: unknown[] = [];
    const { connect } = await stage.listen((exchange) => {
      const handler = { drained: () => undefined, closed: () => undefined };
      const answer = exchange.begin(200, TEXT, 'a', handler);
      said.push(exchange.respond(200, TEXT, 'b'), exchange.begin(200, TEXT, 'c', handler), exchange.aborted);
      answer?.end();
    });
    const client = await connect();
    client.send(GET);
    await eventually('the end', () => chunksOf(client).isWhole);
    assert.deepEqual([chunksOf(client).text, said], ['a', [false, undefined, false]]);
  });

  it('answers HEAD with the head alone, and a request with a body with 400', async () => {
    const { connect, witnesses } = await serve(stage);
    const client = await connect();
    client.send(`HEAD / HTTP/1.1\r\n${HOST}\r\n`);
    const head = await client.answer(true);
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/plain']);
    client.send(`GET / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`);
    assert.equal((await client.answer()).status, 400);
    assert.equal(witnesses.length, 0);
  });

  it('can be begun later, unless the client has gone', async () => {
    let begun: (() => OpenAnswer | undefined) | undefined;
    const { connect } = await stage.listen((exchange) => {
      begun = () => exchange.begin(200, TEXT, 'late', { drained: () => undefined, closed: () => undefined });
      exchange.onAbort(() => {
        begun = undefined;
      });
    });
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => begun !== undefined);
    const answer = begun?.();
    await eventually('the first piece', () => chunksOf(client).text === 'late');
    answer?.end();
    const impatient = await connect();
    begun = undefined;
    impatient.send(GET);
    await eventually('the request', () => begun !== undefined);
    const late = begun as unknown as () => OpenAnswer | undefined;
    impatient.destroy();
    await eventually('the abort', () => begun === undefined);
    assert.equal(late(), undefined);
  });

  it('keeps what a peer does not read, says how much, and says when it has drained (O3)', async () => {
    const { begin } = await serve(stage);
    const [client, witness] = await begin();
    client.pause();
    const count = fill(witness, 2 * MIB);
    const full = witness.answer.bufferedBytes;
    assert.ok(full >= 2 * MIB && full < 2 * MIB + 2 * PIECE_BYTES, `${full}`);
    assert.deepEqual(
      witness.calls.filter((call) => call === 'closed'),
      [],
    );
    witness.calls.length = 0;
    client.resume();
    await eventually('it has drained', () => witness.answer.bufferedBytes === 0);
    assert.ok(witness.calls.includes('drained'));
    witness.answer.end();
    await eventually('everything', () => chunksOf(client).isWhole);
    assert.deepEqual(
      numbersOf(chunksOf(client).text),
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it('never runs ahead of a reader by more than what it says that waits, and what the system holds', async () => {
    let next = 0;
    let most = 0;
    const more = (witness: Witness): void => {
      next = fill(witness, MIB, next);
    };
    const { begin } = await serve(stage, more);
    const [client, witness] = await begin();
    // Reads in sips: a part of what comes, and then nothing for a while.
    let sips = 0;
    client.pause();
    more(witness);
    while (client.text.length < 24 * MIB) {
      const had = client.text.length;
      client.resume();
      await eventually('a sip', () => client.text.length > had || witness.answer.bufferedBytes < MIB);
      client.pause();
      more(witness);
      sips += 1;
      most = Math.max(most, next * PIECE_BYTES - client.text.length);
    }
    assert.ok(sips > 10, `${sips} sips`);
    assert.ok(most <= MIB + 2 * PIECE_BYTES + SYSTEM_BYTES_MAX, `${most} bytes ahead`);
  });

  it('sends small pieces to a reader that stops and goes on, each once and in order (O3)', async () => {
    const { begin } = await serve(stage);
    const [client, witness] = await begin();
    let n = 0;
    for (let stop = 0; stop < 5; stop += 1) {
      client.pause();
      // A turn of the loop for each few: they leave in packets of many sizes.
      while (witness.answer.bufferedBytes < 40_000) {
        for (let few = 0; few < 20; few += 1) witness.answer.write(numbered(n++, 500 + (n % 1000)));
        await new Promise((resume) => setImmediate(resume));
      }
      client.resume();
      await eventually('it has drained', () => witness.answer.bufferedBytes === 0);
    }
    witness.answer.end();
    await eventually('everything', () => chunksOf(client).isWhole);
    assert.deepEqual(
      numbersOf(chunksOf(client).text),
      Array.from({ length: n }, (_, at) => at),
    );
  });

  it('cuts an answer past the most that may wait, and keeps none of it (O3)', async () => {
    const { begin } = await serve(stage);
    const [client, witness] = await begin();
    client.pause();
    let pieces = 0;
    while (witness.answer.write(numbered(pieces)) && pieces < 1000) pieces += 1;
    assert.equal(witness.calls.at(-1), 'closed');
    assert.ok(pieces >= SEND_BUFFER_BYTES_MAX / PIECE_BYTES && pieces < 1000, `${pieces}`);
    assert.equal(witness.answer.bufferedBytes, 0);
  });

  it('sends what waited when it was ended, to who reads it then', async () => {
    const { begin } = await serve(stage);
    const [client, witness] = await begin();
    client.pause();
    const count = fill(witness, MIB);
    witness.answer.end();
    client.resume();
    await eventually('everything', () => chunksOf(client).isWhole);
    assert.equal(numbersOf(chunksOf(client).text).at(-1), count - 1);
  });

  it('cuts an answer whose handler throws in drained (O7)', async () => {
    const { begin, defects } = await serve(stage, () => {
      throw new Error('thrown on purpose');
    });
    const [client, witness] = await begin();
    client.pause();
    for (let n = 0; n < 1000 && witness.answer.bufferedBytes < 2 * MIB; n += 1) witness.answer.write(numbered(n));
    client.resume();
    await client.end();
    assert.deepEqual([witness.calls.at(-1), defects.length], ['closed', 1]);
  });

  it('has no time limit of HTTP, and outlives the draining of its listener (O5, O6)', async () => {
    const { begin, listener } = await serve(stage, undefined, {
      headTimeoutMs: 60,
      idleTimeoutMs: 60,
      bodyTimeoutMs: 60,
    });
    const [client, witness] = await begin();
    const until = performance.now() + 300;
    await eventually('the idle time is over', () => performance.now() >= until);
    listener.drain();
    witness.answer.write('still here');
    await eventually('it is there', () => chunksOf(client).text === 'first;still here');
    witness.answer.end();
    await eventually('the end', () => chunksOf(client).isWhole);
    const [other, left] = await (await serve(stage)).begin().then((pair) => pair);
    assert.deepEqual(left.calls, []);
    other.destroy();
  });

  it('is cut when its listener is closed (O5)', async () => {
    const { begin, listener } = await serve(stage);
    const [client, witness] = await begin();
    listener.close();
    await client.end();
    await eventually('the word', () => witness.calls.length > 0);
    assert.deepEqual(witness.calls, ['closed']);
  });

  it('keeps a peer that does not read for as long as something is written from time to time (O6)', async () => {
    const { begin } = await serve(stage);
    const [client, witness] = await begin();
    client.pause();
    let n = fill(witness, 300_000);
    // Past the 8 to 12 seconds after which uWebSockets.js cuts a connection that takes nothing.
    const patienceMs = subject.name === 'uws' ? 14_000 : 500;
    const begun = performance.now();
    let nextMs = 1000;
    await eventually(
      'the time is over',
      () => {
        const pastMs = performance.now() - begun;
        if (pastMs >= nextMs) {
          nextMs += 1000;
          witness.answer.write(numbered(n++, 100));
        }
        return pastMs >= patienceMs;
      },
      2 * patienceMs,
    );
    assert.ok(!witness.calls.includes('closed'));
    client.resume();
    witness.answer.end();
    await eventually('everything', () => chunksOf(client).isWhole);
    assert.deepEqual(
      numbersOf(chunksOf(client).text),
      Array.from({ length: n }, (_, at) => at),
    );
  });
}
