// LLM answer
//
// What a model says is taken for what anybody could have written: read strictly, by one schema, and held against the episodes that it was
// shown. What a text makes a model say can at most become a memory of that text's subject, about episodes of that call.
//
// LA1. An answer with any member of the wrong type or size is malformed as a whole.
// LA2. Episodes that it names and was not shown are dropped; a memory left without any is dropped.
// LA3. A reference to a thing outside is kept only where an episode it names holds it, letter by letter.

import type { Json, JsonObject, MemoryKind } from '../records.js';
import { CONTENT_CHARS_MAX, clipped, type Draft, SUMMARY_CHARS_MAX } from './draft.js';
import { isSlotName } from './slots.js';
import { isObject } from './spoken.js';

export interface Shown {
  readonly id: string;
  readonly text: string;
  readonly saidAtMs: number;
}

const MEMORIES_MAX = 200;
const SOURCES_MAX = 100;
const NAME_CHARS_MAX = 200;
const KINDS: readonly MemoryKind[] = ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref'];

/** The drafts in `text`; undefined when it is malformed (LA1). `shown` by the names that the model saw. */
export function draftsOfAnswer(
  text: string,
  shown: ReadonlyMap<string, Shown>,
  model: string,
): readonly Draft[] | undefined {
  const answer = jsonIn(text);
  const rows = isObject(answer) ? answer.memories : undefined;
  if (!Array.isArray(rows) || rows.length > MEMORIES_MAX) return undefined;
  const drafts: Draft[] = [];
  for (const row of rows as readonly Json[]) {
    const read = readRow(row);
    if (read === undefined) return undefined;
    const sources = [...new Set(read.sources)].flatMap((name) => shown.get(name) ?? []);
    const draft = draftOf(read, sources, model);
    if (draft !== undefined) drafts.push(draft);
  }
  return drafts;
}

/** Models like to put a fence around JSON. */
function jsonIn(text: string): Json | undefined {
  const trimmed = text.trim();
  const fenced =
    trimmed.startsWith('```') && trimmed.endsWith('```') ? trimmed.slice(trimmed.indexOf('\n') + 1, -3) : trimmed;
  try {
    return JSON.parse(fenced) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Row {
  readonly kind: MemoryKind;
  readonly content: string;
  readonly summary: string;
  readonly confidence: number;
  readonly sources: readonly string[];
  readonly slot: string;
  readonly key: string;
  readonly value: string;
  readonly holder: string;
  readonly ref: string;
}

function readRow(row: Json): Row | undefined {
  if (!isObject(row)) return undefined;
  const { kind, content, summary, confidence, source_episode_ids: sources } = row;
  if (!KINDS.includes(kind as MemoryKind)) return undefined;
  if (typeof content !== 'string' || content.trim() === '' || content.length > CONTENT_CHARS_MAX) return undefined;
  if (summary !== undefined && typeof summary !== 'string') return undefined;
  if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1)) return undefined;
  if (!Array.isArray(sources) || sources.length > SOURCES_MAX || sources.some((id) => typeof id !== 'string'))
    return undefined;
  const names = ['slot', 'key', 'value', 'holder', 'ref'].map((member) => shortText(row, member));
  if (names.includes(undefined)) return undefined;
  const [slot, key, value, holder, ref] = names as readonly string[];
  return {
    kind: kind as MemoryKind,
    content: content.trim(),
    summary: clipped((summary ?? content).trim() || content.trim(), SUMMARY_CHARS_MAX),
    confidence,
    sources: sources as readonly string[],
    slot: slot!,
    key: key!,
    value: value!,
    holder: holder!,
    ref: ref!,
  };
}

/** '' when absent; undefined when it is no text, or too long. */
function shortText(row: JsonObject, member: string): string | undefined {
  const value = row[member] ?? '';
  return typeof value === 'string' && value.length <= NAME_CHARS_MAX ? value.trim() : undefined;
}

function draftOf(row: Row, sources: readonly Shown[], model: string): Draft | undefined {
  if (sources.length === 0) return undefined;
  const { kind, content, summary, confidence, slot, key, value, holder, ref } = row;
  if (kind === 'artifact_ref' && (ref === '' || !sources.some(({ text }) => text.includes(ref)))) return undefined;
  const isFact = kind === 'profile_fact' && isSlotName(slot) && value !== '';
  return {
    kind,
    content,
    summary,
    confidence,
    saidAtMs: Math.max(...sources.map(({ saidAtMs }) => saidAtMs)),
    episodeIds: [...new Set(sources.map(({ id }) => id))],
    metadata: {
      compiler: 'llm',
      model,
      ...(isFact ? { holder: holder || 'User', slot, ...(key === '' ? {} : { key }), value } : {}),
      ...(kind === 'artifact_ref' ? { ref } : {}),
    },
  };
}
