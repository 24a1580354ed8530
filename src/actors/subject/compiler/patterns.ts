// Patterns
//
// The sentences that state a fact, as rows of words. `a|b` is one of several words, `?` behind it makes it optional, `<set>` is a word of
// a set that becomes the fact's key, `{slot:capture}` a value, `{slot:capture*}` a list of them. They are compiled once.
//
// P1. A row is tried from one word, forwards, once: nothing is ever tried again with another choice, so that the cost of a sentence is
//     its words times the rows that begin with them.

import type { Capture, Captured } from './capture.js';
import * as captures from './captures.js';
import * as forms from './form-captures.js';
import type { Sentence } from './sentences.js';
import { type FactValue, isSlotName, type SlotName } from './slots.js';
import { ADVERBS, FAVORITE_KINDS, KIN, KIN_PLURAL } from './vocabulary.js';

interface Row {
  readonly words: string;
  readonly key?: string;
  /** Where these words are a weaker sign than the slot's own. */
  readonly confidence?: number;
  /** Only at the beginning of a sentence. */
  readonly first?: true;
}

const ROWS: readonly Row[] = [
  { words: 'my full|first? name is {identity.name:name}' },
  { words: 'call|calls me {identity.name:properName}' },
  { words: 'i go by {identity.name:properName}' },
  { words: 'i am {identity.name:properName}', confidence: 0.65 },
  { words: 'this is {identity.name:properName}', confidence: 0.6, first: true },
  { words: 'i am {identity.age:age} years old' },
  { words: 'i turned {identity.age:age}' },
  { words: 'my birthday is on? {identity.birthday:date}' },
  { words: 'i was born on {identity.birthday:date}' },
  { words: 'my pronouns are {identity.pronouns:pronouns}' },
  { words: 'i use {identity.pronouns:pronouns}' },
  { words: 'i am happily? {identity.marital:marital}' },
  { words: 'i got {identity.marital:marital}' },
  { words: 'i|we speak|speaks fluent? {identity.language:language*}' },
  { words: 'my native|first|mother language|tongue is {identity.language:language}' },
  { words: 'i|we work|working at|for {employer:org}' },
  { words: 'i work|working at|for {employer:org} as {role:job}' },
  { words: 'i am working|employed at|for|by {employer:org}' },
  { words: 'i have been working at|for {employer:org}' },
  { words: 'my employer|company is called? {employer:org}' },
  { words: 'our company is called? {employer:properOrg}' },
  { words: 'i started working|work at|for {employer:org}' },
  { words: 'i started a|my new? job at|with {employer:org}' },
  { words: 'i got a|my new? job at|with {employer:org}' },
  { words: 'i joined {employer:properOrg}', confidence: 0.65 },
  { words: 'i left|quit {employer.left:properOrg}' },
  { words: 'i no longer work at|for {employer.left:org}' },
  { words: 'i am no longer at|with {employer.left:properOrg}' },
  { words: 'i do not work at|for {employer.left:org} anymore' },
  { words: 'i got fired|laid off? from|by {employer.left:properOrg}' },
  { words: 'i am {role:role} at|for|with {employer:org}' },
  { words: 'i am {role:role}' },
  { words: 'i work|working as {role:job} at|for {employer:org}' },
  { words: 'i work|working as {role:job}' },
  { words: 'i am working|employed as {role:job}' },
  { words: 'my job|current? job|title|title? is {role:job}' },
  { words: 'my current? role|position|occupation|profession is {role:job}' },
  { words: 'i became|become {role:role}' },
  { words: 'i was|got promoted to {role:role}' },
  { words: 'i|we am|are on {plan:plan}' },
  { words: 'i|we have|subscribe|subscribed|upgraded|downgraded|switched|moved to? {plan:plan}' },
  { words: 'my|our current? plan|subscription|tier is {plan:tier}' },
  { words: 'i|we live|living|reside in|at {place.home:place}' },
  { words: 'i|we am|are living|based|located in|at? {place.home:place}' },
  { words: 'i|we have moved|relocated to {place.home:place}' },
  { words: 'i|we moved|relocated back? to {place.home:place}' },
  { words: 'my home|hometown is in? {place.home:place}', confidence: 0.65 },
  { words: 'our office|headquarters|company is|are based? in {place.home:place}', key: 'office' },
  { words: 'i am originally? from {place.origin:place}' },
  { words: 'i come from {place.origin:place}' },
  { words: 'i grew up in {place.origin:place}' },
  { words: 'i was born in {place.origin:place}' },
  { words: 'my timezone is {place.timezone:timezone}' },
  { words: 'my time zone is {place.timezone:timezone}' },
  { words: 'my new? work|personal? email|e-mail|mail address|is is? {contact.email:email}' },
  { words: 'email|e-mail|mail|reach|contact me at|on|via {contact.email:email}' },
  { words: 'call|text|reach|contact|ring me at|on {contact.phone:phone}' },
  { words: 'my new? phone|mobile|cell|telephone|work? number|phone|is is? {contact.phone:phone}' },
  { words: 'my <handle> handle|username|account|user|id|is name? is? {contact.handle:handle}' },
  { words: 'i|we would? prefer|prefers {preference.prefers:preferred}' },
  { words: 'i would rather {preference.prefers:preferred}' },
  { words: 'please? always {preference.asks:request}', key: 'always', confidence: 0.65, first: true },
  { words: 'please? never {preference.asks:request}', key: 'never', confidence: 0.65, first: true },
  { words: 'i like|love|enjoy|adore {preference.likes:thing}' },
  { words: 'i am a? big|huge? fan of {preference.likes:thing}' },
  { words: 'i am into {preference.likes:thing}' },
  { words: 'i am fond|keen|passionate of|on|about {preference.likes:thing}' },
  { words: 'i hate|dislike|detest|loathe {preference.dislikes:thing}' },
  { words: 'i do not like|enjoy|love {preference.dislikes:thing}' },
  { words: 'i can not stand|bear {preference.dislikes:thing}' },
  { words: 'i am not a? big|huge? fan of {preference.dislikes:thing}' },
  { words: 'my all-time? favorite|favourite <favorite> is|are|of {preference.favorite:thing}' },
  { words: 'i am {preference.diet:diet}' },
  { words: 'i am allergic to {preference.diet:thing}', key: 'allergic to' },
  { words: 'i have a? severe|bad? <allergen> allergy', key: 'allergy' },
  { words: 'i|we use|uses {tool:tool*}' },
  { words: 'i|we am|are using {tool:tool*}' },
  { words: 'i|we have been using {tool:tool*}' },
  { words: 'i|we switched|migrated to {tool:tool*}' },
  { words: 'i|we run|host|deploy on|with|to|in? {tool:tool*}' },
  { words: 'i|we code|program|develop|write code? in {tool:tool*}' },
  { words: 'my|our tech? stack is|includes {tool:tool*}' },
  { words: 'my|our editor|ide|database|crm|laptop|os|shell|backend|frontend is|runs on|in? {tool:tool*}' },
  { words: 'my best? <kin> name is {relation:kinName}' },
  { words: 'my best? <kin> is called|named? {relation:kinName}' },
  { words: 'my best? <kin> {relation:kinName}' },
  { words: 'my best? <kin> {relation:kinClause}' },
  { words: 'my <kins> are {relation:kinName*}' },
  { words: 'i have a|an|one <kin> named|called {relation:kinName}' },
  { words: 'i have {relation:household}', key: 'household' },
  { words: 'we have {relation:household}', key: 'household' },
  { words: 'i am married|engaged to {relation:kinName}', key: 'spouse' },
];

type Element =
  | { readonly kind: 'words'; readonly any: ReadonlySet<string>; readonly optional: boolean }
  | { readonly kind: 'key'; readonly any: ReadonlySet<string>; readonly possessive: boolean }
  | { readonly kind: 'value'; readonly slot: SlotName; readonly capture: Capture; readonly many: boolean };

interface Pattern {
  readonly elements: readonly Element[];
  readonly key: string;
  readonly confidence: number | undefined;
  readonly first: boolean;
}

export interface Matched extends FactValue {
  readonly confidence: number | undefined;
  /** The words that state it. */
  readonly from: number;
  readonly next: number;
}

const KEY_SETS: Readonly<Record<string, ReadonlySet<string>>> = {
  kin: KIN,
  kins: KIN_PLURAL,
  favorite: FAVORITE_KINDS,
  handle: new Set([
    'github',
    'gitlab',
    'twitter',
    'x',
    'slack',
    'discord',
    'telegram',
    'instagram',
    'linkedin',
    'skype',
    'mastodon',
    'bluesky',
    'reddit',
  ]),
  allergen: new Set([
    'peanut',
    'nut',
    'shellfish',
    'gluten',
    'lactose',
    'dairy',
    'egg',
    'soy',
    'pollen',
    'latex',
    'penicillin',
    'cat',
    'dog',
    'dust',
    'wheat',
    'fish',
    'milk',
  ]),
};

/** "two kids", "a dog": who lives with somebody. */
const household: Capture = (sentence, at) => {
  const [count, who] = [sentence.words[at], sentence.words[at + 1]];
  if (count === undefined || who === undefined || !/^(a|an|one|two|three|four|five|six|seven|[2-9])$/.test(count.low))
    return undefined;
  if (!KIN.has(who.low) && !KIN_PLURAL.has(who.low)) return undefined;
  return { value: `${count.low} ${who.low}`, next: at + 2 };
};

const CAPTURES: Readonly<Record<string, Capture>> = { ...captures, ...forms, household };

function compilePattern(row: Row): Pattern {
  const elements = row.words.split(' ').map((word): Element => {
    const value = /^\{([\w.]+):(\w+)(\*?)\}$/.exec(word);
    if (value !== null) {
      const [slot, capture] = [value[1]!, CAPTURES[value[2]!]];
      if (!isSlotName(slot) || capture === undefined) throw new Error(`A pattern names what there is not: ${word}`);
      return { kind: 'value', slot, capture, many: value[3] === '*' };
    }
    const key = /^<(\w+)>$/.exec(word);
    if (key !== null) return { kind: 'key', any: KEY_SETS[key[1]!]!, possessive: key[1] === 'kin' };
    const optional = word.endsWith('?');
    return { kind: 'words', any: new Set((optional ? word.slice(0, -1) : word).split('|')), optional };
  });
  return { elements, key: row.key ?? '', confidence: row.confidence, first: row.first === true };
}

/** By the first word, since few words of a text begin anything. */
const patternsByWord = new Map<string, Pattern[]>();
for (const pattern of ROWS.map(compilePattern)) {
  for (const element of pattern.elements) {
    if (element.kind !== 'words') break;
    for (const word of element.any) patternsByWord.set(word, [...(patternsByWord.get(word) ?? []), pattern]);
    if (!element.optional) break;
  }
}

const SKIPPED_MAX = 3;
const LIST_ITEMS_MAX = 8;

/** What is stated from the word at `at` on; `lows` are the words as the speaker's own ("you" of an assistant is "i"). */
export function matchesAt(sentence: Sentence, lows: readonly string[], at: number): readonly Matched[] {
  const patterns = patternsByWord.get(lows[at]!);
  if (patterns === undefined) return [];
  return patterns.flatMap((pattern) => (pattern.first && at !== 0 ? [] : match(pattern, sentence, lows, at)));
}

function match(pattern: Pattern, sentence: Sentence, lows: readonly string[], from: number): readonly Matched[] {
  const { words } = sentence;
  const found: Matched[] = [];
  let { key } = pattern;
  let at = from;
  let skipped = 0;
  for (let place = 0; place < pattern.elements.length; place++) {
    const element = pattern.elements[place]!;
    // A clause that ended ends the pattern; a colon may stand before a value.
    if (
      at > from &&
      words[at - 1]!.closes &&
      !(element.kind === 'value' && words[at - 1]!.mark === ':' && !element.slot.startsWith('preference'))
    )
      return [];
    if (at >= words.length) {
      if (element.kind === 'words' && element.optional) continue;
      return [];
    }
    if (element.kind === 'value') {
      const values = element.many ? listed(sentence, at, element.capture) : toList(element.capture(sentence, at));
      if (values.length === 0) {
        if (at > from && skipped < SKIPPED_MAX && ADVERBS.has(lows[at]!)) {
          skipped++;
          at++;
          place--;
          continue;
        }
        return [];
      }
      at = values.at(-1)!.next;
      for (const { value, next } of values) {
        found.push({ slot: element.slot, key, value, confidence: pattern.confidence, from, next });
      }
      continue;
    }
    const low = element.kind === 'key' && element.possessive ? lows[at]!.replace(/'s$/, '') : lows[at]!;
    if (element.any.has(low)) {
      if (element.kind === 'key') key = low;
      at++;
      continue;
    }
    if (element.kind === 'words' && element.optional) continue;
    if (at > from && skipped < SKIPPED_MAX && ADVERBS.has(lows[at]!)) {
      skipped++;
      at++;
      place--;
      continue;
    }
    return [];
  }
  if (found.length === 0 && pattern.key === 'allergy') {
    return [{ slot: 'preference.diet', key: 'allergic to', value: key, confidence: undefined, from, next: at }];
  }
  return found;
}

function toList<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** The items of a list that begins at `at`, each read by `item`. */
function listed(sentence: Sentence, at: number, item: Capture): readonly Captured[] {
  const found: Captured[] = [];
  let next = at;
  while (found.length < LIST_ITEMS_MAX) {
    const one = item(sentence, next);
    if (one === undefined) break;
    found.push(one);
    next = one.next;
    const behind = sentence.words[next]?.low;
    if (behind === 'and' || behind === '&' || behind === 'or') next++;
    else if (sentence.words[next - 1]?.mark !== ',') break;
  }
  return found;
}
