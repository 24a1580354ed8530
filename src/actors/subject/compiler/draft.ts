// Draft
//
// A memory before it is known what it takes the place of.

import type { JsonObject, MemoryKind } from '../records.js';

export interface Draft {
  readonly kind: MemoryKind;
  readonly content: string;
  readonly summary: string;
  readonly confidence: number;
  /** From when it holds: the time of the episode that said it. */
  readonly saidAtMs: number;
  readonly episodeIds: readonly string[];
  readonly metadata: JsonObject;
}

/** What every compiler promises of a text: bounded. */
export const CONTENT_CHARS_MAX = 4_000;
export const SUMMARY_CHARS_MAX = 120;

/** `text` in at most `charsMax` characters, cut between words and never within a surrogate pair. Whoever sees "…" knows. */
export function clipped(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  let end = text.lastIndexOf(' ', charsMax - 1);
  if (end < charsMax / 2) end = charsMax - 1;
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}
