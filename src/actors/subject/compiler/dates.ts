// Dates
//
// The times that a sentence names, told by the calendar: relative ones are resolved against the day on which it was said. All days
// are those of UTC, since an episode does not say where its speaker's midnight is.

import type { Word } from './sentences.js';

export interface NamedTime {
  /** Words from `first` to before `next` name it. */
  readonly first: number;
  readonly next: number;
  /** First and last day, as 2023-05-07. */
  readonly from: string;
  readonly to: string;
  /** For people: "7 May 2023", "May 2023", "2022", "1 to 7 May 2023". */
  readonly label: string;
  /** Said by its distance from now ("yesterday"), not by the calendar. */
  readonly relative: boolean;
}

interface Span {
  readonly next: number;
  readonly from: number;
  readonly to: number;
  readonly relative: boolean;
}

const DAY_MS = 86_400_000;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const monthByWord = new Map<string, number>(
  MONTHS.flatMap((name, month) => [
    [name.toLowerCase(), month] as const,
    [name.slice(0, 3).toLowerCase(), month] as const,
  ]),
).set('sept', 8);
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
/** Years that people talk of; other numbers of four digits are something else. */
const YEAR_LEAST = 1900;
const YEAR_GREATEST = 2100;

/** What of the calendar `words` name, in order, for something said at `saidAtMs`. */
export function namedTimes(words: readonly Word[], saidAtMs: number): readonly NamedTime[] {
  const today = Math.floor(saidAtMs / DAY_MS) * DAY_MS;
  const found: NamedTime[] = [];
  for (let at = 0; at < words.length; ) {
    const span = spanAt(words, at, today);
    if (span === undefined || !Number.isFinite(span.from) || Math.abs(span.to) > 8.6e15) {
      at++;
      continue;
    }
    const { from, to, next, relative } = span;
    found.push({ first: at, next, from: isoDay(from), to: isoDay(to), label: labelOf(from, to), relative });
    at = next;
  }
  return found;
}

export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function spanAt(words: readonly Word[], at: number, today: number): Span | undefined {
  const low = words[at]!.low;
  const next = words[at + 1]?.low;
  switch (low) {
    case 'today':
    case 'tonight':
      return day(at + 1, today);
    case 'yesterday':
      return day(at + 1, today - DAY_MS);
    case 'tomorrow':
      return day(at + 1, today + DAY_MS);
    case 'the':
      if (next === 'day' && words[at + 2]?.low === 'before' && words[at + 3]?.low === 'yesterday')
        return day(at + 4, today - 2 * DAY_MS);
      if (next === 'day' && words[at + 2]?.low === 'after' && words[at + 3]?.low === 'tomorrow')
        return day(at + 4, today + 2 * DAY_MS);
      return undefined;
    case 'last':
    case 'next':
    case 'this':
    case 'past':
      return nearSpan(low, next, at, today);
    case 'in':
      return inSpan(words, at, today);
    case 'a':
    case 'an':
      return distance(words, at, 1, at + 1, today);
    default:
      return countedSpan(words, at, today) ?? calendarSpan(words, at, today);
  }
}

function day(next: number, ms: number, relative = true): Span {
  return { next, from: ms, to: ms, relative };
}

/** "last week", "next Friday", "this weekend". */
function nearSpan(which: string, unit: string | undefined, at: number, today: number): Span | undefined {
  if (unit === undefined) return undefined;
  const next = at + 2;
  const step = which === 'next' ? 1 : which === 'this' ? 0 : -1;
  const weekday = new Date(today).getUTCDay();
  const monday = today - ((weekday + 6) % 7) * DAY_MS;
  const span = (from: number, days: number): Span => ({ next, from, to: from + (days - 1) * DAY_MS, relative: true });
  const wanted = WEEKDAYS.indexOf(unit);
  if (wanted !== -1) {
    if (step === -1) return day(next, today - (((weekday - wanted + 6) % 7) + 1) * DAY_MS);
    return day(next, today + (step === 0 ? (wanted - weekday + 7) % 7 : ((wanted - weekday + 6) % 7) + 1) * DAY_MS);
  }
  if (unit === 'night' && step === -1) return day(next, today - DAY_MS);
  if ((unit === 'morning' || unit === 'afternoon' || unit === 'evening') && step === 0) return day(next, today);
  if (unit === 'week') return span(monday + step * 7 * DAY_MS, 7);
  if (unit === 'weekend') {
    // On Monday "this past weekend" and "last weekend" are the two days before; on Sunday "last" is a week earlier.
    const saturday = monday + 5 * DAY_MS + step * 7 * DAY_MS;
    return span(saturday, 2);
  }
  const date = new Date(today);
  if (unit === 'month') return months(next, date.getUTCFullYear(), date.getUTCMonth() + step, true);
  if (unit === 'year') return years(next, date.getUTCFullYear() + step, true);
  const month = monthByWord.get(unit);
  if (month === undefined || step === 0) return undefined;
  const ahead = month - date.getUTCMonth();
  const year = date.getUTCFullYear() + (step === -1 ? (ahead < 0 ? 0 : -1) : ahead > 0 ? 0 : 1);
  return months(next, year, month, true);
}

/** "in 2019", "in May 2020", "in three weeks". */
function inSpan(words: readonly Word[], at: number, today: number): Span | undefined {
  const word = words[at + 1];
  if (word === undefined) return undefined;
  const year = yearOf(word.low);
  if (year !== undefined) return years(at + 2, year, false);
  const month = word.capital ? monthByWord.get(word.low) : undefined;
  if (month !== undefined) return monthSpan(words, at + 2, month, today);
  const count = word.low === 'a' || word.low === 'an' ? 1 : countOf(word.low);
  const unit = words[at + 2]?.low;
  if (count === undefined || unit === undefined) return undefined;
  return shifted(at + 3, today, count, unit);
}

/** "two weeks ago", "3 days later" is not one. */
function countedSpan(words: readonly Word[], at: number, today: number): Span | undefined {
  const count = countOf(words[at]!.low);
  return count === undefined ? undefined : distance(words, at, count, at + 1, today);
}

function distance(words: readonly Word[], at: number, count: number, unitAt: number, today: number): Span | undefined {
  let [number, place] = [count, unitAt];
  if (words[at]!.low === 'a' && words[at + 1]?.low === 'couple') {
    number = 2;
    place = words[at + 2]?.low === 'of' ? at + 3 : at + 2;
  }
  const unit = words[place]?.low;
  if (unit === undefined || words[place + 1]?.low !== 'ago') return undefined;
  return shifted(place + 2, today, -number, unit);
}

/** So many days, weeks, months or years from today; the coarser the unit, the wider the answer. */
function shifted(next: number, today: number, count: number, unit: string): Span | undefined {
  const date = new Date(today);
  if (unit === 'day' || unit === 'days') return day(next, today + count * DAY_MS);
  if (unit === 'week' || unit === 'weeks') {
    const monday = today - ((date.getUTCDay() + 6) % 7) * DAY_MS + count * 7 * DAY_MS;
    return { next, from: monday, to: monday + 6 * DAY_MS, relative: true };
  }
  if (unit === 'month' || unit === 'months')
    return months(next, date.getUTCFullYear(), date.getUTCMonth() + count, true);
  if (unit === 'year' || unit === 'years') return years(next, date.getUTCFullYear() + count, true);
  return undefined;
}

/** "May 7", "May 7th, 2023", "7 May 2023", "2023-05-07". */
function calendarSpan(words: readonly Word[], at: number, today: number): Span | undefined {
  const word = words[at]!;
  const iso = /^(\d{4})[-/](\d{2})[-/](\d{2})$/.exec(word.low);
  if (iso !== null) return dateSpan(at + 1, Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
  const month = word.capital ? monthByWord.get(word.low) : undefined;
  if (month !== undefined) {
    const dayOfMonth = dayNumber(words[at + 1]?.low);
    if (dayOfMonth !== undefined) return withYear(words, at + 2, month, dayOfMonth, today);
    const year = yearOf(words[at + 1]?.low);
    return year === undefined ? undefined : months(at + 2, year, month, false);
  }
  const dayOfMonth = dayNumber(word.low);
  if (dayOfMonth === undefined) return undefined;
  const monthAt = words[at + 1]?.low === 'of' ? at + 2 : at + 1;
  const named = words[monthAt];
  const behind = named?.capital === true ? monthByWord.get(named.low) : undefined;
  return behind === undefined ? undefined : withYear(words, monthAt + 1, behind, dayOfMonth, today);
}

function withYear(
  words: readonly Word[],
  at: number,
  month: number,
  dayOfMonth: number,
  today: number,
): Span | undefined {
  const year = yearOf(words[at]?.low);
  if (year !== undefined) return dateSpan(at + 1, year, month, dayOfMonth);
  return dateSpan(at, nearestYear(today, month), month, dayOfMonth);
}

function monthSpan(words: readonly Word[], at: number, month: number, today: number): Span {
  const year = yearOf(words[at]?.low);
  return year === undefined ? months(at, nearestYear(today, month), month, false) : months(at + 1, year, month, false);
}

/** The year in which that month is nearest to today. */
function nearestYear(today: number, month: number): number {
  const date = new Date(today);
  const distance = month - date.getUTCMonth();
  return date.getUTCFullYear() + (distance > 6 ? -1 : distance < -6 ? 1 : 0);
}

function dateSpan(next: number, year: number, month: number, dayOfMonth: number): Span | undefined {
  const ms = Date.UTC(year, month, dayOfMonth);
  const date = new Date(ms);
  // The 31st of June is a mistake, not the 1st of July.
  if (yearOf(String(year)) === undefined || date.getUTCMonth() !== month || date.getUTCDate() !== dayOfMonth)
    return undefined;
  return day(next, ms, false);
}

function months(next: number, year: number, month: number, relative: boolean): Span {
  return { next, from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 0), relative };
}

function years(next: number, year: number, relative: boolean): Span {
  return { next, from: Date.UTC(year, 0, 1), to: Date.UTC(year, 11, 31), relative };
}

function yearOf(low: string | undefined): number | undefined {
  if (low === undefined || !/^\d{4}$/.test(low)) return undefined;
  const year = Number(low);
  return year >= YEAR_LEAST && year <= YEAR_GREATEST ? year : undefined;
}

function dayNumber(low: string | undefined): number | undefined {
  const match = low === undefined ? null : /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(low);
  const number = Number(match?.[1] ?? 0);
  return number >= 1 && number <= 31 ? number : undefined;
}

function countOf(low: string): number | undefined {
  if (/^\d{1,3}$/.test(low)) return Number(low);
  const number = NUMBERS.indexOf(low);
  return number > 0 ? number : undefined;
}

function labelOf(from: number, to: number): string {
  const [first, last] = [new Date(from), new Date(to)];
  const [year, month] = [first.getUTCFullYear(), first.getUTCMonth()];
  const days = Math.round((to - from) / DAY_MS) + 1;
  if (days === 1) return `${first.getUTCDate()} ${MONTHS[month]} ${year}`;
  if (days > 360) return String(year);
  if (days > 27) return `${MONTHS[month]} ${year}`;
  const head =
    first.getUTCMonth() === last.getUTCMonth() ? `${first.getUTCDate()}` : `${first.getUTCDate()} ${MONTHS[month]}`;
  const yearOfFirst = year === last.getUTCFullYear() ? '' : ` ${year}`;
  return `${head}${yearOfFirst} to ${last.getUTCDate()} ${MONTHS[last.getUTCMonth()]} ${last.getUTCFullYear()}`;
}
