// Captures
//
// How the values of facts are read out of a sentence, by what they are: a place ends at other words than a thing that one likes.
// Each reads forward from one word, over a bounded number of them.

import { type Capture, type Captured, captured, phraseEnd } from './capture.js';
import type { Sentence, Word } from './sentences.js';
import {
  ADVERBS,
  ARTICLES,
  EMPTY_THINGS,
  isRole,
  KIN_VERBS,
  NO_NAMES,
  NO_ORGS,
  PHRASE_ENDS,
  PLANS,
  POSSESSIVES,
  PREPOSITIONS,
  REQUESTED,
  SMALL_TOOLS,
} from './vocabulary.js';

const THING_WORDS_MAX = 10;
const ORG_WORDS_MAX = 6;
const PLACE_WORDS_MAX = 5;
const NAME_WORDS_MAX = 4;
const ROLE_WORDS_MAX = 6;

/** A name between "…" may be several words; quotation marks are not part of it. */
export const org: Capture = (sentence, from) => {
  const { words } = sentence;
  const at = from;
  const first = words[at];
  if (
    first === undefined ||
    NO_ORGS.has(first.low) ||
    (PHRASE_ENDS.has(first.low) && !first.capital) ||
    POSSESSIVES.has(first.low) ||
    /^\d+([:.]\d+)?(am|pm)?$/.test(first.low)
  )
    return undefined;
  const article = ARTICLES.has(first.low);
  if (article && (words[at + 1] === undefined || NO_ORGS.has(words[at + 1]!.low) || first.closes)) return undefined;
  // A proper name keeps its "of" ("Bank of America"); other prepositions end it.
  const next = phraseEnd(words, at, ORG_WORDS_MAX, (word) => {
    return (
      PHRASE_ENDS.has(word.low) ||
      PREPOSITIONS.has(word.low) ||
      ADVERBS.has(word.low) ||
      (!article && first.capital && !word.capital && !/^(of|de|&|[\d.]+)$/.test(word.low))
    );
  });
  if (!article && !first.capital && next - at > 3) return undefined;
  // "Acme's biggest competitor" is somebody else.
  if (/['’]s$/.test(words[next - 1]!.text) && next < words.length && !words[next - 1]!.closes) return undefined;
  return captured(sentence, at, next);
};

/** As org, and begins with a capital letter: behind words that leave room for other things. */
export const properOrg: Capture = (sentence, at) => {
  const first = sentence.words[at];
  return first?.capital === true && !NO_NAMES.has(first.low) ? org(sentence, at) : undefined;
};

export const place: Capture = (sentence, at) => {
  const { words } = sentence;
  const first = words[at];
  if (first === undefined) return undefined;
  const the = first.low === 'the';
  const head = words[the ? at + 1 : at];
  // Cities in small letters are taken when they stand alone at the end.
  if (head === undefined || /\d/.test(head.low)) return undefined;
  if (!head.capital) {
    const alone = !the && (at + 1 === words.length || first.closes) && first.low.length > 3;
    return alone && isLoneName(first.low) ? captured(sentence, at, at + 1) : undefined;
  }
  let next = phraseEnd(
    words,
    at,
    PLACE_WORDS_MAX,
    (word, index) => !(word.capital || (the && index === at + 1) || word.low === 'de' || word.low === 'of'),
  );
  // "Portland, Oregon": a second name behind a comma, when nothing but it follows.
  const region = words[next];
  const last = words[next - 1]!;
  if (
    last.mark === ',' &&
    region?.capital === true &&
    region.low !== 'i' &&
    (region.closes || next + 1 === words.length)
  )
    next++;
  return captured(sentence, at, next);
};

const NO_PLACES = new Set(
  `peace fear hope here there town poverty sweden's alone between limbo denial total general apartment apartments house abroad
  person private moderation style luxury comfort chaos reality harmony isolation secret silence pain love work both that this them
  scratch home experience memory what where which nowhere everywhere somewhere downtown suburbia exile squalor`.split(
    /\s+/,
  ),
);

function isLoneName(low: string): boolean {
  return (
    !NO_PLACES.has(low) &&
    !PHRASE_ENDS.has(low) &&
    !EMPTY_THINGS.has(low) &&
    !POSSESSIVES.has(low) &&
    /^\p{L}+$/u.test(low)
  );
}

function nameFrom(sentence: Sentence, at: number, anyCase: boolean): Captured | undefined {
  const { words } = sentence;
  const first = words[at];
  if (
    first === undefined ||
    !(first.capital || anyCase) ||
    NO_NAMES.has(first.low) ||
    !/^[\p{L}\p{M}.'’-]+$/u.test(first.text)
  )
    return undefined;
  if (PHRASE_ENDS.has(first.low) || POSSESSIVES.has(first.low)) return undefined;
  const next = phraseEnd(
    words,
    at,
    NAME_WORDS_MAX,
    (word) => !word.capital || word.low === 'i' || !/^[\p{L}\p{M}.'’-]+$/u.test(word.text),
  );
  return captured(sentence, at, next);
}

/** A person's name behind words that allow nothing else: also in small letters. */
export const name: Capture = (sentence, at) => nameFrom(sentence, at, true);
/** A person's name where other things could stand: in capitals, and not all of the sentence in capitals. */
export const properName: Capture = (sentence, at) => {
  if (sentence.text === sentence.text.toUpperCase()) return undefined;
  const found = nameFrom(sentence, at, false);
  if (found === undefined) return undefined;
  const behind = sentence.words[found.next];
  const last = sentence.words[found.next - 1]!;
  const ends =
    last.closes ||
    behind === undefined ||
    /^(from|and|with|at|here|by|but|speaking|writing|calling|again)$/.test(behind.low);
  return ends ? found : undefined;
};

/** "a senior software engineer": what the phrase ends with must be what people work as. */
export const role: Capture = (sentence, from) => {
  const { words } = sentence;
  const at = words[from] !== undefined && ARTICLES.has(words[from]!.low) ? from + 1 : from;
  const end = phraseEnd(
    words,
    at,
    ROLE_WORDS_MAX,
    (word) => PHRASE_ENDS.has(word.low) || (PREPOSITIONS.has(word.low) && word.low !== 'in'),
  );
  for (let last = at; last < end; last++) {
    if (words[last]!.low === 'of' || ARTICLES.has(words[last]!.low)) break;
    if (!isRole(words[last]!.low)) continue;
    // The longest run of roles: "software engineer lead", and "head of growth" with what it is the head of.
    let next = last + 1;
    while (next < end && isRole(words[next]!.low)) next++;
    if (words[next]?.low === 'of' && words[next - 1]?.closes === false) {
      next = phraseEnd(
        words,
        next,
        4,
        (word) => PHRASE_ENDS.has(word.low) || (PREPOSITIONS.has(word.low) && word.low !== 'of'),
      );
    }
    // "head over heels", "in the lead": alone these two say nothing.
    if (next === at + 1 && /^(head|lead)$/.test(words[at]!.low)) return undefined;
    return captured(sentence, at, next);
  }
  return undefined;
};

/** Behind "I work as": whatever has an article, or is a role. */
export const job: Capture = (sentence, from) => {
  const { words } = sentence;
  const article = words[from] !== undefined && ARTICLES.has(words[from]!.low);
  const at = article ? from + 1 : from;
  if (!article) return role(sentence, at);
  const next = phraseEnd(words, at, ROLE_WORDS_MAX, (word) => PHRASE_ENDS.has(word.low) || PREPOSITIONS.has(word.low));
  return captured(sentence, at, next);
};

/** What somebody likes: to the end of the clause. */
export const thing: Capture = (sentence, at) => {
  const { words } = sentence;
  const first = words[at];
  if (
    first === undefined ||
    EMPTY_THINGS.has(first.low) ||
    POSSESSIVES.has(first.low) ||
    (first.low === 'to' && words[at + 1]?.low === 'be')
  )
    return undefined;
  if (
    ARTICLES.has(first.low) &&
    /^(idea|way|fact|look|sound|thought|same|most|best|first|last|other|part)$/.test(words[at + 1]?.low ?? '')
  )
    return undefined;
  // "the colours": those that the talk is about, which nobody knows later; "the Beatles" are a name.
  if (first.low === 'the' && words[at + 1]?.capital !== true) return undefined;
  const next = phraseEnd(
    words,
    at,
    THING_WORDS_MAX,
    (word) => (PHRASE_ENDS.has(word.low) && word.low !== 'with') || /^(like|whenever)$/.test(word.low),
  );
  const last = words[next - 1]!;
  // "a safe, quiet place": the comma does not end it, and what it ends with is not known.
  if (last.mark === ',' && ARTICLES.has(words[next - 2]?.low ?? '') && next - 2 >= at) return undefined;
  if (ARTICLES.has(last.low) || PREPOSITIONS.has(last.low) || POSSESSIVES.has(last.low)) return undefined;
  return captured(sentence, at, next);
};

/** "email over phone calls": as a thing, with what it is preferred to. */
export const preferred: Capture = (sentence, at) => {
  const found = thing(sentence, at);
  if (found === undefined) return undefined;
  const { words } = sentence;
  if (words[found.next]?.low !== 'than') return found;
  const rest = phraseEnd(
    words,
    found.next,
    THING_WORDS_MAX,
    (word) => word.low !== 'than' && PHRASE_ENDS.has(word.low),
  );
  return captured(sentence, at, rest);
};

export const plan: Capture = (sentence, from) => {
  const { words } = sentence;
  const at =
    words[from] !== undefined && (ARTICLES.has(words[from]!.low) || POSSESSIVES.has(words[from]!.low))
      ? from + 1
      : from;
  const first = words[at];
  if (first === undefined) return undefined;
  const second = words[at + 1]?.low;
  const named = !first.closes && second !== undefined && /^(plan|tier|subscription|edition|package)$/.test(second);
  const ends = first.closes || second === undefined || PREPOSITIONS.has(second) || PHRASE_ENDS.has(second);
  // "on the team" is no plan: without the word for it, a tier is written as a name.
  if (PLANS.has(first.low) ? named || (first.capital && ends) : named && first.capital)
    return captured(sentence, at, at + 1);
  return undefined;
};

/** Behind "my plan is", in any letters. */
export const tier: Capture = (sentence, at) => {
  const word = sentence.words[at];
  return word !== undefined && PLANS.has(word.low) ? captured(sentence, at, at + 1) : plan(sentence, at);
};

/** Several tools, one value each: "Postgres, Redis and Kafka" gives the first; the pattern goes on behind it. */
export const tool: Capture = (sentence, from) => {
  const { words } = sentence;
  const at = words[from] !== undefined && ARTICLES.has(words[from]!.low) ? from + 1 : from;
  const first = words[at];
  if (first === undefined || !isTool(first) || NO_NAMES.has(first.low)) return undefined;
  const next = phraseEnd(
    words,
    at,
    3,
    (word) => !(word.capital || /^\d[\d.]*$/.test(word.low)) || PHRASE_ENDS.has(word.low),
  );
  const found = captured(sentence, at, next);
  return found === undefined ? undefined : { ...found, value: found.value.replace(/['’]s$/, '') };
};

function isTool(word: Word): boolean {
  return (
    SMALL_TOOLS.has(word.low) ||
    (/^[\p{Lu}]/u.test(word.text) && word.text.length > 1) ||
    /^[a-z]+[\d.+#]+[a-z]*$/i.test(word.text)
  );
}

/** "reply in French": what one asks another to do begins with a verb of asking's; "always a pleasure" asks nothing. */
export const request: Capture = (sentence, at) => {
  const verb = sentence.words[at];
  return verb !== undefined && REQUESTED.has(verb.low) ? clause(sentence, at) : undefined;
};

/** The name of somebody's somebody: a capital letter, and no verb of theirs in it. */
export const kinName: Capture = (sentence, at) => {
  const found = nameFrom(sentence, at, false);
  // "my daughter Sara's birthday" is about the birthday.
  return found === undefined || /['’]s$/.test(found.value) ? undefined : found;
};

/** What somebody's somebody does: "Anna lives in Oslo", "lives in Oslo". */
export const kinClause: Capture = (sentence, at) => {
  const verbAt = kinName(sentence, at)?.next ?? at;
  const verb = sentence.words[verbAt];
  if (verb === undefined || !KIN_VERBS.has(verb.low) || sentence.words[verbAt - 1]!.closes) return undefined;
  const behind = sentence.words[verbAt + 1];
  if (behind === undefined || verb.closes || /^(called|named|not|never|the one|like)$/.test(behind.low))
    return undefined;
  return clause(sentence, at);
};

/** What is said of somebody else, to the end of the clause. */
export const clause: Capture = (sentence, at) => {
  const next = phraseEnd(sentence.words, at, THING_WORDS_MAX + 2, (word) =>
    /^(and|but|because|so|which|while|if|when)$/.test(word.low),
  );
  return captured(sentence, at, next);
};
