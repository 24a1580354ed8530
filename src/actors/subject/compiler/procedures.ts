// Procedures
//
// Steps that a text enumerates ("1. … 2. …", "First … then … finally …"), and actions of tools that ended well together more than
// once. Lines and sentences are looked at once.

import { clipped, SUMMARY_CHARS_MAX } from './draft.js';
import type { Sentence } from './sentences.js';
import type { Action } from './spoken.js';

export interface Procedure {
  readonly title: string;
  readonly steps: readonly string[];
  readonly confidence: number;
}

const STEPS_MIN = 2;
const STEPS_MAX = 30;
const STEP_CHARS_MAX = 400;
/** A line this long that begins with a number is prose. */
const LINE_CHARS_MAX = 2_000;
const ENUMERATED = 0.75;
const SEQUENTIAL = 0.65;
/** Bullets are steps only below a line that says so. */
const ANNOUNCES = /\b(steps?|how to|instructions?|procedure|process|checklist|runbook|follow|do this|in order)\b/i;

/** The procedures of one message. */
export function* proceduresOf(text: string, sentences: Iterable<Sentence>): Generator<Procedure> {
  yield* enumerated(text);
  const found = sequential(text, sentences);
  if (found !== undefined) yield found;
}

function* enumerated(text: string): Generator<Procedure> {
  let title = '';
  let steps: string[] = [];
  let bullets = false;
  let announced = false;
  const finish = (): Procedure | undefined => {
    const done = steps.length >= STEPS_MIN ? { title: titled(title, steps), steps, confidence: ENUMERATED } : undefined;
    steps = [];
    return done;
  };
  for (const line of linesOf(text)) {
    const numbered = /^\s{0,8}(?:step\s)?(\d{1,2})\s?[.):]\s(.+)$/i.exec(line);
    const bullet = /^\s{0,8}[-*•]\s(.+)$/.exec(line);
    const number = numbered === null ? undefined : Number(numbered[1]);
    if (number !== undefined && (number === steps.length + 1 || number === 1) && !(bullets && steps.length > 0)) {
      if (number === 1) {
        const done = finish();
        if (done !== undefined) yield done;
      }
      bullets = false;
      if (steps.length < STEPS_MAX) steps.push(clipped(numbered![2]!.trim(), STEP_CHARS_MAX));
      continue;
    }
    if (bullet !== null && (steps.length > 0 ? bullets : announced)) {
      bullets = true;
      if (steps.length < STEPS_MAX) steps.push(clipped(bullet[1]!.trim(), STEP_CHARS_MAX));
      continue;
    }
    if (line.trim() === '') continue;
    // What is set in below a step belongs to it; what is not ends the list and may be the title of the next.
    if (steps.length > 0 && /^\s{2,}/.test(line)) continue;
    const done = finish();
    if (done !== undefined) yield done;
    title = line.trim();
    announced = ANNOUNCES.test(title.slice(-SUMMARY_CHARS_MAX));
  }
  const done = finish();
  if (done !== undefined) yield done;
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    yield text.slice(from, Math.min(to, from + LINE_CHARS_MAX));
    from = to + 1;
  }
}

/** "First, …", then at least one "then" and the like, within one message and each at the beginning of a sentence. */
function sequential(text: string, sentences: Iterable<Sentence>): Procedure | undefined {
  if (!/\bfirst\b/i.test(text) || !/\b(then|next|finally|after that|lastly|second)\b/i.test(text)) return undefined;
  const steps: string[] = [];
  let title = '';
  for (const { text: said, words, asks } of sentences) {
    const begins = steps.length === 0;
    const marker = begins
      ? /^(?:to start,? )?first(?:ly)?[,:]? /i.exec(said)
      : /^(?:and )?(?:then|next|second(?:ly)?|third(?:ly)?|after that|afterwards|finally|lastly)[,:]? /i.exec(said);
    if (marker === null || asks) {
      if (begins) title = said;
      continue;
    }
    // "First time here" tells no step, nor does what somebody did once.
    if (begins && !/[,:] $/.test(marker[0]) && /^(time|name|day|thing|of|one|class)$/.test(words[1]?.low ?? ''))
      continue;
    if (steps.length < STEPS_MAX) steps.push(...splitSteps(said.slice(marker[0].length)));
  }
  return steps.length >= STEPS_MIN
    ? { title: titled(title, steps), steps: steps.slice(0, STEPS_MAX), confidence: SEQUENTIAL }
    : undefined;
}

/** "open the panel, then press reset": two steps of one sentence. */
function splitSteps(said: string): readonly string[] {
  return said
    .split(/, (?:and )?(?:then|finally) /i)
    .map((step) => clipped(step.trim().replace(/[.!]$/, ''), STEP_CHARS_MAX));
}

function titled(title: string, steps: readonly string[]): string {
  return clipped(
    title === ''
      ? steps[0]!
      : title
          .replace(/^#+\s*/, '')
          .replace(/\*\*/g, '')
          .replace(/[:.]$/, ''),
    SUMMARY_CHARS_MAX,
  );
}

export function procedureContent({ title, steps }: Procedure): string {
  return [`${title}:`, ...steps.map((step, at) => `${at + 1}. ${step}`)].join('\n');
}

/** The actions that ended well, as one name; undefined where there are too few for a procedure. */
export function actionSequence(actions: readonly Action[]): readonly string[] | undefined {
  const names = actions.filter(({ succeeded }) => succeeded).map(({ name }) => name);
  return names.length >= STEPS_MIN && names.length === actions.length ? names : undefined;
}

/** What has worked before: 0.6, and a little more with each time, to 0.8. */
export function repeatedProcedure(names: readonly string[], times: number): Procedure {
  return {
    title: `${names[0]} to ${names.at(-1)} (worked ${times} times)`,
    steps: names,
    confidence: Math.min(0.8, 0.5 + times * 0.05),
  };
}
