// Word sorts
//
// What some words tell of a text besides what it is about: that it says when, that something was tried, that it presses,
// that it is small talk. Each is a bit, so that a text has the union of its words'.

import { termsOf } from './terms.js';

export const SAYS_WHEN = 1;
export const SAYS_DONE = 2;
export const PRESSES = 4;
export const SMALL_TALK = 8;

const WORDS: readonly (readonly [number, string])[] = [
  [
    SAYS_WHEN,
    `yesterday today tonight tomorrow ago last next week weekend fortnight month year decade recently lately soon morning
    evening night monday tuesday wednesday thursday friday saturday sunday january february march april june july august
    september october november december summer winter spring autumn hier demain gestern heute morgen ayer mañana вчера
    сегодня завтра 昨天 今天 明天 昨日 今日 明日 أمس اليوم غدا`,
  ],
  [
    SAYS_DONE,
    `try attempt restart reboot reset reinstall install uninstall update upgrade downgrade rollback revert clear replace
    rotate escalate refund replay retry deploy migrate configure disable enable patch fix verify check investigate`,
  ],
  [
    PRESSES,
    `urgent urgently asap immediately critical emergency outage down blocker blocked blocking severe deadline sev1 p1 p0
    dringend urgente срочно 紧急 至急 عاجل`,
  ],
  [
    SMALL_TALK,
    `hi hey hello bye goodbye thanks thank welcome cool great awesome nice wow sure lol haha glad good fine ok okay yep yeah
    nope cheers congrats congratulations amazing wonderful love sweet absolutely definitely totally take care hallo danke
    hola gracias merci salut привет спасибо 你好 谢谢`,
  ],
];

const SORTS: ReadonlyMap<string, number> = readSorts();

function readSorts(): ReadonlyMap<string, number> {
  const sorts = new Map<string, number>();
  for (const [sort, words] of WORDS) {
    for (const term of termsOf(words)) sorts.set(term, (sorts.get(term) ?? 0) | sort);
  }
  return sorts;
}

/** The bits of one term. */
export function sortOfTerm(term: string): number {
  return SORTS.get(term) ?? 0;
}
