// Task dates
//
// The days that a task names, and how near to them something was said. What happened on a day is told on it or in the
// weeks behind it, so what was said later counts too, a little less.

import { WEIGHTS, type Weights } from './weights.js';

export const DATES_MAX = 8;
const DAY_MS = 86_400_000;

/** A stretch of time: all of it known, or a day or month of any year. */
export type NamedTime =
  | { readonly kind: 'span'; readonly from: number; readonly to: number }
  | { readonly kind: 'year'; readonly year: number }
  | { readonly kind: 'yearly'; readonly month: number; readonly day: number | null };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const YEAR = '((?:19|20)\\d\\d)';
const ORDINAL = '(\\d{1,2})(?:st|nd|rd|th)?';
const WORDED = new RegExp(`(?:\\b${ORDINAL} (?:of )?)?\\b${MONTH}\\b\\.?(?: ${ORDINAL}\\b)?(?:,? ${YEAR}\\b)?`, 'g');
const NUMBERED = new RegExp(`\\b${YEAR}-(\\d\\d)(?:-(\\d\\d))?\\b|${YEAR}年(\\d{1,2})月(?:(\\d{1,2})日)?`, 'g');
const YEAR_ALONE = new RegExp(`(?<![-\\d])${YEAR}(?![-\\d年])`, 'g');
/** Without a day or a year, `may` and `march` are verbs unless one of these stands before them. */
const AMBIGUOUS = new Set(['may', 'mar', 'march']);
const BEFORE_MONTH = /\b(?:in|of|since|until|last|during|early|late|mid|by|this|next) $/;
const RELATIVE = /\b(today|yesterday|(?:last|this|past) (?:week|month|year)|(\d{1,3}) (day|week|month)s? ago)\b/g;

/** At most DATES_MAX of them. Linear in the task. */
export function namedTimes(task: string, nowMs: number): readonly NamedTime[] {
  const text = task.toLowerCase().replace(/\s+/g, ' ');
  const worded = [...text.matchAll(WORDED)].filter((found) => isMonth(found, text)).slice(0, DATES_MAX);
  const years = new Set([...text.matchAll(YEAR_ALONE)].map(([, year]) => Number(year)));
  const times: NamedTime[] = worded.map(([, dayBefore, month, dayBehind, year]) => {
    const monthNumber = MONTHS.indexOf(month!.slice(0, 3));
    const day = dayOf(dayBefore ?? dayBehind);
    // The one year of a task is the year of all its dates: `between August 11 and August 15, 2023`.
    const [onlyYear] = years;
    const known = year === undefined ? (years.size === 1 ? onlyYear : undefined) : Number(year);
    return known === undefined ? { kind: 'yearly', month: monthNumber, day } : spanOf(known, monthNumber, day);
  });
  for (const [, year, month, day, cjkYear, cjkMonth, cjkDay] of text.matchAll(NUMBERED)) {
    const monthNumber = Number(month ?? cjkMonth) - 1;
    if (monthNumber < 12 && monthNumber >= 0) {
      times.push(spanOf(Number(year ?? cjkYear), monthNumber, dayOf(day ?? cjkDay)));
    }
  }
  for (const [, phrase, count, unit] of text.matchAll(RELATIVE)) times.push(relativeSpan(phrase!, count, unit, nowMs));
  if (times.length === 0) for (const year of years) times.push({ kind: 'year', year });
  return times.slice(0, DATES_MAX);
}

/** 0 to 1. */
export function nearness(time: NamedTime, at: number, weights: Weights = WEIGHTS): number {
  switch (time.kind) {
    case 'year':
      return new Date(at).getUTCFullYear() === time.year ? weights.yearOnly : 0;
    case 'span':
      return spanNearness(time.from, time.to, at, weights);
    case 'yearly': {
      const year = new Date(at).getUTCFullYear();
      return Math.max(
        ...[year - 1, year].map((of) => {
          const { from, to } = spanOf(of, time.month, time.day);
          return spanNearness(from, to, at, weights);
        }),
      );
    }
    default:
      return time satisfies never;
  }
}

function spanNearness(from: number, to: number, at: number, weights: Weights): number {
  if (at < from) return 0;
  if (at < to) return 1;
  return at < to + weights.dateLagDays * DAY_MS ? weights.dateAfter : 0;
}

function isMonth(
  { 0: all, 1: dayBefore, 2: month, 3: dayBehind, 4: year, index }: RegExpExecArray,
  text: string,
): boolean {
  if (!AMBIGUOUS.has(month!) || year !== undefined || dayBefore !== undefined || dayBehind !== undefined) return true;
  return BEFORE_MONTH.test(text.slice(0, index + all.indexOf(month!)));
}

function dayOf(digits: string | undefined): number | null {
  const day = Number(digits ?? 0);
  return day >= 1 && day <= 31 ? day : null;
}

function spanOf(year: number, month: number, day: number | null): { kind: 'span'; from: number; to: number } {
  if (day === null) return { kind: 'span', from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) };
  const from = Date.UTC(year, month, day);
  return { kind: 'span', from, to: from + DAY_MS };
}

function relativeSpan(phrase: string, count: string | undefined, unit: string | undefined, nowMs: number): NamedTime {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const back = (days: number, length: number): NamedTime => {
    return { kind: 'span', from: today - days * DAY_MS, to: today - (days - length) * DAY_MS };
  };
  if (phrase === 'today') return back(0, 1);
  if (phrase === 'yesterday') return back(1, 1);
  const days = { day: 1, week: 7, month: 30, year: 365 };
  if (count !== undefined) {
    const length = days[unit as 'day' | 'week' | 'month'];
    return back(Number(count) * length, length);
  }
  const length = days[phrase.split(' ')[1] as 'week' | 'month' | 'year'];
  // Up to now: who says `last week` may mean the seven days behind them.
  return phrase.startsWith('this') ? back(length - 1, length) : back(2 * length - 1, 2 * length);
}
