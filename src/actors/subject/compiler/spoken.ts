// Spoken
//
// What of an episode somebody said, and what somebody did: its messages with the voice of each, and the actions that tools
// report. Reads any payload; what is not of the known shapes is read as data, never refused.

import type { Episode, Json, JsonObject } from '../records.js';
import { type Sentence, sentencesIn } from './sentences.js';

export type Voice = 'person' | 'assistant' | 'system' | 'tool';

export interface Spoken {
  readonly voice: Voice;
  /** Who it is about when it says "I": a name, or "User". */
  readonly speaker: string;
  readonly text: string;
  readonly sentences: Iterable<Sentence>;
}

export interface Action {
  readonly name: string;
  readonly succeeded: boolean;
}

/** Who speaks where no name is given. */
export const UNNAMED = 'User';
const NAME_CHARS_MAX = 80;
const ACTIONS_MAX = 64;
/** Characters that an episode without a text is told by. */
const DATA_CHARS_MAX = 400;
const DATA_DEPTH_MAX = 4;

const ASSISTANTS = new Set(['assistant', 'agent', 'ai', 'bot', 'model', 'support']);
const SYSTEMS = new Set(['system', 'developer']);
const TOOLS = new Set(['tool', 'function']);

/** When it happened, as far as is known. */
export function timeOf(episode: Episode): number {
  return episode.occurredAt ?? episode.createdAt;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function messagesOf(payload: JsonObject): readonly JsonObject[] {
  const { messages } = payload;
  return Array.isArray(messages) ? (messages as readonly Json[]).filter(isObject) : [];
}

/** The text of a message: a string, or the texts among its parts. */
function textOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const parts = (content as readonly Json[]).flatMap((part) =>
    isObject(part) && typeof part.text === 'string' ? [part.text] : [],
  );
  return parts.join('\n');
}

/** What was said, in order: `payload.messages`, else `payload.text`, else `payload.content`. */
export function spokenOf(episode: Episode): readonly Spoken[] {
  const messages = messagesOf(episode.payload);
  if (messages.length > 0) return messages.flatMap(spokenMessage);
  const text = textOf(episode.payload.text) || textOf(episode.payload.content);
  if (text.trim() === '') return [];
  const voice = voiceOf(episode.source);
  return [line(voice, voice === 'person' ? UNNAMED : capitalised(episode.source), text)];
}

function spokenMessage(message: JsonObject): readonly Spoken[] {
  const text = textOf(message.content);
  if (text.trim() === '') return [];
  const role = typeof message.role === 'string' ? message.role : 'user';
  const voice = voiceOf(role);
  const name = typeof message.name === 'string' ? message.name.replace(/\s+/g, ' ').trim() : '';
  const speaker =
    name !== '' && name.length <= NAME_CHARS_MAX ? name : voice === 'person' ? UNNAMED : capitalised(role);
  return [line(voice, speaker, text)];
}

/** Sentences are cut when they are asked for first: not everyone who asks who spoke wants them. */
function line(voice: Voice, speaker: string, text: string): Spoken {
  let cut: Iterable<Sentence> | undefined;
  return {
    voice,
    speaker,
    text,
    get sentences() {
      cut ??= sentencesIn(text);
      return cut;
    },
  };
}

function voiceOf(role: string): Voice {
  const low = role.toLowerCase();
  return ASSISTANTS.has(low) ? 'assistant' : SYSTEMS.has(low) ? 'system' : TOOLS.has(low) ? 'tool' : 'person';
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1, NAME_CHARS_MAX);
}

/** The actions of tools, in order: calls that messages name, or a payload that is one. */
export function actionsOf(episode: Episode): readonly Action[] {
  const { payload } = episode;
  const own = actionName(payload);
  const rows = Array.isArray(payload.steps) ? (payload.steps as readonly Json[]).filter(isObject) : messagesOf(payload);
  const found = rows.flatMap((row): readonly Action[] => {
    const calls = Array.isArray(row.tool_calls) ? (row.tool_calls as readonly Json[]).filter(isObject) : [];
    const names = calls
      .map((call) => actionName(isObject(call.function) ? call.function : call))
      .filter((name) => name !== undefined);
    const direct = TOOLS.has(String(row.role)) || row.role === undefined ? actionName(row) : undefined;
    // The call and its result are one action: the result names it where it says how it ended.
    if (names.length > 0) return names.map((name) => ({ name, succeeded: true }));
    return direct === undefined ? [] : [{ name: direct, succeeded: succeeded(row) }];
  });
  const all = own === undefined ? found : [{ name: own, succeeded: succeeded(payload) }, ...found];
  const failed = new Set(all.filter((action) => !action.succeeded).map(({ name }) => name));
  return withoutRepeats(all.map(({ name }) => ({ name, succeeded: !failed.has(name) }))).slice(0, ACTIONS_MAX);
}

/** A result right behind its call names the same action again. */
function withoutRepeats(actions: readonly Action[]): readonly Action[] {
  return actions.filter(({ name }, at) => actions[at - 1]?.name !== name);
}

function actionName(row: JsonObject): string | undefined {
  for (const member of ['tool', 'tool_name', 'action', 'name', 'command'] as const) {
    const value = row[member];
    if (
      typeof value === 'string' &&
      value.trim() !== '' &&
      value.length <= NAME_CHARS_MAX &&
      saysHowItEnded(row, member)
    )
      return value.trim();
  }
  return undefined;
}

/** `name` and `command` are of an action only beside its arguments or its end. */
function saysHowItEnded(row: JsonObject, member: string): boolean {
  if (member !== 'name' && member !== 'command') return true;
  return ['arguments', 'args', 'input', 'status', 'success', 'result', 'output', 'is_error', 'content'].some(
    (other) => row[other] !== undefined,
  );
}

function succeeded(row: JsonObject): boolean {
  if (row.success === false || row.ok === false || row.is_error === true) return false;
  if (row.error !== undefined && row.error !== null && row.error !== false && row.error !== '') return false;
  if (
    typeof row.status === 'string' &&
    /^(error|fail|failed|failure|timeout|cancelled|denied|rejected)/i.test(row.status)
  )
    return false;
  if (typeof row.exit_code === 'number' && row.exit_code !== 0) return false;
  return !(
    typeof row.content === 'string' && /^\s*(error|exception|traceback|failed)\b/i.test(row.content.slice(0, 40))
  );
}

/** An episode that says nothing, told by its data: `member: value` of its first scalars. */
export function dataOf(payload: JsonObject): string {
  const parts: string[] = [];
  let chars = 0;
  const add = (value: Json, path: string, depth: number): void => {
    if (chars >= DATA_CHARS_MAX || depth > DATA_DEPTH_MAX) return;
    if (typeof value === 'object' && value !== null) {
      for (const [member, inner] of Object.entries(value as JsonObject)) {
        if (chars >= DATA_CHARS_MAX) return;
        add(inner, path === '' ? member : `${path}.${member}`, depth + 1);
      }
      return;
    }
    const part = `${path}: ${String(value)}`.slice(0, DATA_CHARS_MAX - chars);
    parts.push(part);
    chars += part.length + 2;
  };
  add(payload, '', 0);
  return parts.join(', ');
}
