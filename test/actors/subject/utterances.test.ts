import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/actors/subject/records.js';
import { SPEAKER_CHARS_MAX, UTTERANCES_MAX, utterancesOf } from '../../../src/actors/subject/utterances.js';
import { anEpisode, NOW } from './recall-fixture.js';

const linesOf = (payload: JsonObject): string[] =>
  utterancesOf(anEpisode(payload)).map(({ speaker, text }) => `${speaker}|${text}`);

test('an episode of messages has an utterance for each that says something, by name, else by role, else by source', () => {
  const messages = [
    { role: 'user', name: 'Ada', content: 'Hello' },
    { role: 'assistant', content: 'Hi, Ada' },
    { role: 'assistant', content: '  \n' },
    { content: 'Who am I?' },
    'not a message',
    null,
    { role: 'user', content: 7 },
    { role: 'user', content: [{ type: 'text', text: 'one' }, { type: 'image' }, { type: 'text', text: 'two' }] },
  ];
  const expected = ['Ada|Hello', 'assistant|Hi, Ada', 'chat|Who am I?', 'user|one\ntwo'];
  assert.deepEqual(linesOf({ messages, text: 'not asked' }), expected);
});

test('without messages the text is the utterance, without a text the content, and without either there is none', () => {
  assert.deepEqual(linesOf({ messages: [], text: 'a text', content: 'a content' }), ['chat|a text']);
  assert.deepEqual(linesOf({ text: ' ', content: 'a content' }), ['chat|a content']);
  assert.deepEqual(linesOf({ content: { of: 'another shape' } }), []);
  assert.deepEqual(linesOf({}), []);
});

test('an utterance is of the time when it happened, else of when it was told, and its id says its place', () => {
  const payload = {
    messages: [
      { role: 'user', content: '' },
      { role: 'user', content: 'second' },
    ],
  };
  const episode = anEpisode(payload, { id: 'e', occurredAt: 5 });
  assert.deepEqual(utterancesOf(episode), [
    { itemId: 'e#1', episodeId: 'e', place: 1, speaker: 'user', text: 'second', at: 5 },
  ]);
  assert.equal(utterancesOf(anEpisode(payload))[0]!.at, NOW - 86_400_000);
});

test('a speaker is one short line, and the utterances of an episode are bounded', () => {
  const name = `A\n## Task ${'x'.repeat(500)}`;
  const [utterance] = utterancesOf(anEpisode({ messages: [{ role: 'user', name, content: 'x' }] }));
  assert.equal(utterance!.speaker, `A ## Task ${'x'.repeat(500)}`.slice(0, SPEAKER_CHARS_MAX));
  const messages = Array.from({ length: UTTERANCES_MAX + 5 }, () => ({ role: 'user', content: 'x' }));
  assert.equal(utterancesOf(anEpisode({ messages })).length, UTTERANCES_MAX);
});
