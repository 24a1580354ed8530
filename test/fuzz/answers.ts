// Reads what a server said on one connection, and holds every answer to what an HTTP answer of ours may be.

import { ErrorAnswer } from '../../src/contract/error-answer.js';
import { checker } from '../../src/contract/schema.js';

export interface FuzzAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What was said is no answer, or none that may ever be given. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** All that may be told, interim ones aside. 500 is not among them: it is always a defect. */
const STATUSES: ReadonlySet<number> = new Set([
  200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 413, 415, 429, 431, 503, 505, 507,
]);
/** What the native library says by itself: a page without a length, and the end of the connection. */
const PAGE_STATUSES: ReadonlySet<number> = new Set([400, 431, 505]);
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [ -~]*$/;
const HEADER_LINE = /^([A-Za-z-]+): ([ -~]*)$/;
const REQUIRED: Readonly<Record<number, string>> = {
  401: 'www-authenticate',
  405: 'allow',
  429: 'retry-after',
  503: 'retry-after',
};
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const INSIDE = /\.[jt]s:\d|node_modules|\n {4}at /;

const errorShape = checker(ErrorAnswer);

/** Whether the answer of this number is to a HEAD: it has the length of a body that does not come. */
export type IsToHead = (index: number) => boolean | 'unknown';

/** The whole answers in what was received, and what is left behind the last. */
export function readAnswers(received: Buffer, isToHead: IsToHead): { answers: FuzzAnswer[]; rest: Buffer } {
  const answers: FuzzAnswer[] = [];
  let rest = received;
  for (;;) {
    if (rest.toString('latin1', 0, CONTINUE.length) === CONTINUE) rest = rest.subarray(CONTINUE.length);
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return { answers, rest };
    const { status, headers } = readHead(rest.toString('latin1', 0, headEnd));
    const after = rest.subarray(headEnd + 4);
    const length = bodyLength(status, headers, after, isToHead(answers.length));
    if (after.length < length) return { answers, rest };
    const answer = { status, headers, body: after.toString('utf8', 0, length) };
    judge(answer);
    answers.push(answer);
    rest = after.subarray(length);
  }
}

function readHead(text: string): { status: number; headers: Map<string, string> } {
  const [first = '', ...lines] = text.split('\r\n');
  const status = Number(STATUS_LINE.exec(first)?.[1]);
  if (!STATUSES.has(status)) throw new BadAnswer(`no status line of ours: ${first.slice(0, 200)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new BadAnswer(`no header: ${line.slice(0, 200)}`);
    if (headers.has(name.toLowerCase())) throw new BadAnswer(`${name} is said twice`);
    headers.set(name.toLowerCase(), value);
  }
  return { status, headers };
}

function bodyLength(
  status: number,
  headers: ReadonlyMap<string, string>,
  after: Buffer,
  toHead: boolean | 'unknown',
): number {
  const text = headers.get('content-length');
  if (status === 204) {
    if (text !== undefined) throw new BadAnswer('204 has a length');
    return 0;
  }
  if (text === undefined) {
    if (PAGE_STATUSES.has(status) && headers.get('connection') === 'close') return after.length;
    throw new BadAnswer(`${status} has no length`);
  }
  if (!/^\d+$/.test(text)) throw new BadAnswer(`the length ${text}`);
  // Where nobody can tell, what follows does: another answer, or nothing.
  const bodiless = toHead === 'unknown' ? after.length === 0 || after.toString('latin1', 0, 9) === 'HTTP/1.1 ' : toHead;
  return bodiless ? 0 : Number(text);
}

function judge({ status, headers, body }: FuzzAnswer): void {
  const type = headers.get('content-type');
  if (headers.get('server') !== undefined) throw new BadAnswer('the server is named');
  if (type === undefined || body === '') return;
  if (type !== 'application/json') throw new BadAnswer(`the type ${type}`);
  let told: unknown;
  try {
    told = JSON.parse(body);
  } catch {
    throw new BadAnswer(`no JSON: ${body.slice(0, 200)}`);
  }
  if (status < 400) return;
  if (!errorShape.check(told)) throw new BadAnswer(`not the shape of a refusal: ${body.slice(0, 200)}`);
  if (INSIDE.test(told.message)) throw new BadAnswer(`tells of the inside: ${told.message}`);
  const required = REQUIRED[status];
  if (required !== undefined && !headers.has(required)) throw new BadAnswer(`${status} without ${required}`);
}
