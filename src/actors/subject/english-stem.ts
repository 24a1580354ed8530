// English stem
//
// One form for the forms of an English word: `walked`, `walking` and `walks` are `walk`, `went` is `go`. The rules are
// Porter's second stemmer (https://snowballstem.org/algorithms/english/stemmer.html) without its lists of exceptions;
// what those lists are for, and irregular verbs and plurals, are in the table below. Words of other languages in Latin
// letters pass through it too: question and answer are cut alike, so that they still meet.

/** Form: base. The bases go through the rules like any other word. */
const IRREGULAR_FORMS: Readonly<Record<string, string>> = {
  be: 'am is are was were been being',
  become: 'became',
  begin: 'began begun',
  bend: 'bent',
  bite: 'bit bitten',
  bleed: 'bled',
  blow: 'blew blown',
  break: 'broke broken',
  bring: 'brought',
  build: 'built',
  buy: 'bought',
  catch: 'caught',
  child: 'children',
  choose: 'chose chosen',
  come: 'came',
  deal: 'dealt',
  die: 'dying',
  dig: 'dug',
  do: 'did does done',
  draw: 'drew drawn',
  dream: 'dreamt',
  drink: 'drank drunk',
  drive: 'drove driven',
  eat: 'ate eaten',
  fall: 'fell fallen',
  feed: 'fed',
  feel: 'felt',
  fight: 'fought',
  find: 'found',
  fly: 'flew flown',
  foot: 'feet',
  forget: 'forgot forgotten',
  forgive: 'forgave forgiven',
  freeze: 'froze frozen',
  get: 'got gotten',
  give: 'gave given',
  go: 'went gone goes',
  grow: 'grew grown',
  hang: 'hung',
  have: 'had has',
  hear: 'heard',
  hide: 'hid hidden',
  hold: 'held',
  keep: 'kept',
  know: 'knew known',
  lay: 'laid',
  lead: 'led',
  learn: 'learnt',
  leave: 'left',
  lend: 'lent',
  lie: 'lain lying',
  life: 'lives',
  light: 'lit',
  lose: 'lost',
  make: 'made',
  man: 'men',
  mean: 'meant',
  meet: 'met',
  mouse: 'mice',
  pay: 'paid',
  person: 'people persons',
  ride: 'rode ridden',
  ring: 'rang rung',
  rise: 'rose risen',
  run: 'ran',
  say: 'said',
  see: 'saw seen',
  sell: 'sold',
  send: 'sent',
  shake: 'shook shaken',
  shoot: 'shot',
  show: 'shown',
  sing: 'sang sung',
  sink: 'sank sunk',
  sit: 'sat',
  sleep: 'slept',
  speak: 'spoke spoken',
  spend: 'spent',
  stand: 'stood',
  steal: 'stole stolen',
  stick: 'stuck',
  strike: 'struck',
  swear: 'swore sworn',
  sweep: 'swept',
  swim: 'swam swum',
  take: 'took taken',
  teach: 'taught',
  tear: 'tore torn',
  tell: 'told',
  think: 'thought',
  throw: 'threw thrown',
  tooth: 'teeth',
  understand: 'understood',
  wake: 'woke woken',
  wear: 'wore worn',
  wife: 'wives',
  win: 'won',
  woman: 'women',
  write: 'wrote written',
};

const BASE_OF_FORM: ReadonlyMap<string, string> = new Map(
  Object.entries(IRREGULAR_FORMS).flatMap(([base, forms]) => forms.split(' ').map((form) => [form, base] as const)),
);

const VOWEL = /[aeiouy]/;
const DOUBLE = /(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/;
const SHORT_SYLLABLE = /(?:^|[^aeiouy])[aeiouy][^aeiouywxY]$|^[aeiouy][^aeiouy]$/;

/** Longest first, as the algorithm wants them. The second of each is what it becomes. */
const STEP_2: readonly (readonly [string, string])[] = [
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['tional', 'tion'],
  ['lessli', 'less'],
  ['biliti', 'ble'],
  ['iviti', 'ive'],
  ['ousli', 'ous'],
  ['fulli', 'ful'],
  ['entli', 'ent'],
  ['ation', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['izer', 'ize'],
  ['anci', 'ance'],
  ['enci', 'ence'],
  ['abli', 'able'],
  ['alli', 'al'],
  ['ator', 'ate'],
  ['logi', 'log'],
  ['bli', 'ble'],
];
const STEP_3: readonly (readonly [string, string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ative', ''],
  ['ical', 'ic'],
  ['ness', ''],
  ['ful', ''],
];
const STEP_4 = /(?:ement|ance|ence|able|ible|ment|ant|ent|ism|ate|iti|ous|ive|ize|al|er|ic)$/;

/** `word`: lower-case a to z alone. About a microsecond. */
export function stemEnglish(word: string): string {
  if (word.length <= 2) return word;
  let stem = BASE_OF_FORM.get(word) ?? word;
  if (stem.length <= 2) return stem;
  // A y that is heard as a consonant is a capital Y from here on.
  stem = stem.replace(/^y|([aeiou])y/g, (_, vowel: string | undefined) => `${vowel ?? ''}Y`);
  const region1 = regionAfter(stem, 0);
  const region2 = regionAfter(stem, region1);
  stem = withoutPlural(stem);
  stem = withoutPast(stem, region1);
  if (stem.length > 2) stem = stem.replace(/([^aeiou])[yY]$/, '$1i');
  stem = replacedSuffix(stem, STEP_2, region1);
  if (stem.endsWith('li') && /[cdeghkmnrt]li$/.test(stem) && stem.length - 2 >= region1) stem = stem.slice(0, -2);
  stem = replacedSuffix(stem, STEP_3, region1);
  const ending = STEP_4.exec(stem)?.[0];
  if (ending !== undefined && stem.length - ending.length >= region2) stem = stem.slice(0, -ending.length);
  else if (/[st]ion$/.test(stem) && stem.length - 3 >= region2) stem = stem.slice(0, -3);
  return withoutLastLetter(stem, region1, region2).toLowerCase();
}

/** Where the region begins: behind the first consonant that follows a vowel, from `from` on. */
function regionAfter(word: string, from: number): number {
  let at = from;
  while (at < word.length && !VOWEL.test(word[at]!)) at++;
  while (at < word.length && VOWEL.test(word[at]!)) at++;
  return Math.min(at + 1, word.length);
}

function withoutPlural(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (/ie[sd]$/.test(word)) return word.slice(0, word.length > 4 ? -2 : -1);
  if (/[us]s$/.test(word) || !word.endsWith('s')) return word;
  return VOWEL.test(word.slice(0, -2)) ? word.slice(0, -1) : word;
}

function withoutPast(word: string, region1: number): string {
  if (/eed(?:ly)?$/.test(word)) {
    const bare = word.replace(/eed(?:ly)?$/, '');
    return bare.length >= region1 ? `${bare}ee` : word;
  }
  const bare = word.replace(/(?:ed|ing)(?:ly)?$/, '');
  if (bare === word || !VOWEL.test(bare)) return word;
  if (/(?:at|bl|iz)$/.test(bare)) return `${bare}e`;
  if (DOUBLE.test(bare)) return bare.slice(0, -1);
  return region1 >= bare.length && SHORT_SYLLABLE.test(bare) ? `${bare}e` : bare;
}

function replacedSuffix(word: string, table: readonly (readonly [string, string])[], region: number): string {
  for (const [suffix, becomes] of table) {
    if (!word.endsWith(suffix)) continue;
    const bare = word.length - suffix.length;
    return bare >= region ? word.slice(0, bare) + becomes : word;
  }
  return word;
}

function withoutLastLetter(word: string, region1: number, region2: number): string {
  const bare = word.slice(0, -1);
  if (word.endsWith('e')) {
    const drops = bare.length >= region2 || (bare.length >= region1 && !SHORT_SYLLABLE.test(bare));
    return drops ? bare : word;
  }
  return word.endsWith('ll') && bare.length >= region2 ? bare : word;
}
