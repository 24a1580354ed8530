// Stop words
//
// Words that tell nothing about what a text is of. Neither indexed nor asked for; the list is closed: a word that is
// added changes every index, which is why indexes are built anew on activation and never stored.

const ENGLISH = `a about above after again against all also am an and any are as at be because been before being below
between both but by can cannot could did do does doing don done down during each even ever few for from further get got
had has have having he her here hers herself him himself his how i if in into is it its itself just let like ll m me more
most my myself no nor not now of off oh ok okay on once only or other our ours ourselves out over own re really s same
she should so some such t than that the their theirs them themselves then there these they this those through to too
under until up us ve very was we well were what when where which while who whom why will with would yeah yes you your
yours yourself yourselves d im ive ill isn aren wasn weren doesn didn hasn haven hadn won wouldn couldn shouldn ain`;

/** Words of a task that frame the question and are not what it asks for: dropped from tasks alone, after stemming. */
const FRAME = `kind type sort mention accord describe name tell say talk thing particular certain specific many much`;

export const STOP_WORDS: ReadonlySet<string> = new Set(ENGLISH.split(/\s+/));
export const FRAME_WORDS: readonly string[] = FRAME.split(/\s+/);
