// Utterances
//
// What was said in an episode, piece by piece: what recall looks for, and what a context repeats word for word.

import type { Episode, Json, JsonObject } from './records.js';

/** What is behind it in one episode is not recalled: more than a body holds of real messages. */
export const UTTERANCES_MAX = 10_000;
export const SPEAKER_CHARS_MAX = 64;

export interface Utterance {
  /** Of all items of the subject: what a vector is kept under. */
  readonly itemId: string;
  readonly episodeId: string;
  /** Its place among the messages of the episode; 0 for a whole text. */
  readonly place: number;
  /** One line, never empty. */
  readonly speaker: string;
  /** As it came. Never blank. */
  readonly text: string;
  readonly at: number;
}

export function utteranceItemId(episodeId: string, place: number): string {
  return `${episodeId}#${place}`;
}

/** What a vector of it is made from: who speaks is part of what is said. */
export function embeddedText({ speaker, text }: Utterance): string {
  return `${speaker}: ${text}`;
}

/** One for each message that says something; else one of the whole text; none of an episode without words. */
export function utterancesOf(episode: Episode): readonly Utterance[] {
  const { payload, id, source } = episode;
  const at = episode.occurredAt ?? episode.createdAt;
  const utterance = (place: number, speaker: string, text: string): Utterance => {
    return { itemId: utteranceItemId(id, place), episodeId: id, place, speaker: speakerLine(speaker), text, at };
  };
  if (isList(payload.messages)) {
    const said: Utterance[] = [];
    for (const [place, message] of payload.messages.entries()) {
      if (said.length === UTTERANCES_MAX) break;
      if (!isObject(message)) continue;
      const text = contentText(message.content);
      if (!isBlank(text)) said.push(utterance(place, speakerOf(message, source), text));
    }
    if (said.length > 0) return said;
  }
  const whole = [payload.text, payload.content].find((text) => typeof text === 'string' && !isBlank(text));
  return typeof whole === 'string' ? [utterance(0, source, whole)] : [];
}

function speakerOf(message: JsonObject, source: string): string {
  const named = [message.name, message.role].find((name) => typeof name === 'string' && !isBlank(name));
  return typeof named === 'string' ? named : source;
}

/** A content in parts, as chat APIs have it, is its texts, one a line. */
function contentText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!isList(content)) return '';
  const texts = content.flatMap((part) => (isObject(part) && typeof part.text === 'string' ? [part.text] : []));
  return texts.join('\n');
}

function speakerLine(name: string): string {
  const line = name
    .slice(0, SPEAKER_CHARS_MAX)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line === '' ? '?' : line;
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
