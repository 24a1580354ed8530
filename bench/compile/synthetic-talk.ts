// Episodes of a made-up talk, the same each time: one turn each, some 25 words, a third of them with something to remember; and sessions
// of support, of ten messages each.

import type { Episode, JsonObject } from '../../src/actors/subject/records.js';

const START = Date.UTC(2023, 4, 8);
const HOUR_MS = 3_600_000;

const PLACES = ['Lisbon', 'Oslo', 'Kyoto', 'Quito', 'Nairobi', 'Perth'];
const THINGS = ['hiking', 'old maps', 'jazz', 'pottery', 'long novels', 'street food', 'sea swimming'];
const FIRMS = ['Globex', 'Initech', 'Vandelay Industries', 'Stark Foods', 'Hooli'];
const TELLING = [
  'I went to the market in {place} yesterday and bought far too many oranges.',
  'I really love {thing}, it keeps me calm after a long day.',
  'I work at {firm} now, the people there are kind and the coffee is good.',
  'My sister Anna lives in {place} with two dogs and a very loud parrot.',
  'We signed up for a class about {thing} last week, on Saturday mornings.',
];
const CHATTING = [
  'That sounds wonderful, thank you so much for telling me all of that!',
  'How did it go in the end, was everybody happy with it?',
  'Haha, the weather was terrible again, but nobody minded at all in the evening.',
  'It takes some time, and then one day it simply works, does it not?',
];

/** A small generator of numbers, so that two runs see the same text. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

function sentence(roll: (sides: number) => number, templates: readonly string[]): string {
  const pick = (words: readonly string[]): string => words[roll(words.length)]!;
  return pick(templates)
    .replace('{place}', pick(PLACES))
    .replace('{thing}', pick(THINGS))
    .replace('{firm}', pick(FIRMS));
}

function episode(id: string, payload: JsonObject, at: number): Episode {
  const createdAt = START + at * HOUR_MS;
  const bags = { metadata: {}, provenance: {} };
  return {
    id,
    subjectId: 'bench',
    source: 'chat',
    type: 'message',
    payload,
    ...bags,
    sessionId: null,
    createdAt,
    occurredAt: null,
  };
}

export function turnsOfTalk(count: number, prefix = 'turn'): readonly Episode[] {
  const roll = dice(count);
  return Array.from({ length: count }, (_, at) => {
    const lines = [
      sentence(roll, CHATTING),
      sentence(roll, roll(3) === 0 ? TELLING : CHATTING),
      `That was number ${at}.`,
    ];
    return episode(
      `${prefix}-${at}`,
      { messages: [{ role: 'user', name: at % 2 === 0 ? 'Ana' : 'Ben', content: lines.join(' ') }] },
      at,
    );
  });
}

export function sessionsOfSupport(count: number): readonly Episode[] {
  const roll = dice(count + 1);
  return Array.from({ length: count }, (_, at) => {
    const messages = Array.from({ length: 10 }, (__, turn) => {
      if (turn % 2 === 1)
        return {
          role: 'assistant',
          content: `Please try this:\n1. Open the panel\n2. Reset job ${at}\n3. Wait a minute`,
        };
      return {
        role: 'user',
        content: `${sentence(roll, TELLING)} Ticket OPS-${at * 10 + turn} is still open, see https://status.example/${at}`,
      };
    });
    return episode(`session-${at}`, { messages }, at);
  });
}
