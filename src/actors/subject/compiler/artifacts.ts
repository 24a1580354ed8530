// Artifacts
//
// The things outside that a text points to: URLs, tickets, files. Found word by word, each with a bounded look.

import type { Sentence, Word } from './sentences.js';

export type ArtifactType = 'url' | 'ticket' | 'file';

export interface Artifact {
  readonly type: ArtifactType;
  readonly ref: string;
  /** The sentence that names it. */
  readonly quote: string;
}

/** Longer ones are data, not names. */
const REF_CHARS_MAX = 500;
/** Behind these a number is one of something: "ticket 4411". */
const NUMBERED = new Set([
  'ticket',
  'issue',
  'case',
  'order',
  'invoice',
  'incident',
  'bug',
  'pr',
  'request',
  'claim',
  'booking',
  'reservation',
  'tracking',
]);
/** Written like tickets, and none. */
const STANDARDS = new Set(
  'UTF UTF8 COVID SHA ISO GPT HTTP MP F A B RFC IPV AES RSA TLS SSL MD USB HDMI DDR PCI CVE ES ASCII BASE WIN MAC IE PS WW AK MI BMW CO H TCP UDP IEEE DIN GMT UTC CD DVD PM AM KEY LAYER TYPE PHASE STEP TOP PRE POST MID NON ANTI CLAUDE LLAMA GEMINI QWEN'.split(
    ' ',
  ),
);
const EXTENSIONS = new Set(
  `pdf doc docx xls xlsx csv tsv ppt pptx txt md json jsonl yaml yml toml xml html htm css js mjs ts tsx jsx py rb go rs java kt c h cpp hpp
  cs php sh sql ipynb log ini conf cfg env lock zip tar gz tgz png jpg jpeg gif svg webp mp3 mp4 mov wav parquet proto tf swift scala`.split(
    /\s+/,
  ),
);

/** The artifacts of one sentence, in order. */
export function* artifactsOf(sentence: Sentence): Generator<Artifact> {
  const { words, text } = sentence;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word.text.length > REF_CHARS_MAX) continue;
    const found = url(word) ?? ticket(words, at, text) ?? file(word);
    if (found !== undefined) yield { ...found, quote: text };
  }
}

type Found = Pick<Artifact, 'type' | 'ref'>;

function url({ text }: Word): Found | undefined {
  // Markdown writes [name](https://…): the address begins where its scheme does.
  const start = text.search(/https?:\/\/|www\./i);
  if (start === -1) return undefined;
  const ref = text.slice(start).split(/[)\]>"'<]/, 1)[0]!;
  return /^(https?:\/\/|www\.)[^\s/.]+(\.|:\d|\/|$)/i.test(ref) && ref.length > 8 ? { type: 'url', ref } : undefined;
}

function ticket(words: readonly Word[], at: number, sentence: string): Found | undefined {
  const { text, start, low } = words[at]!;
  const before = words[at - 1];
  const key = /^([A-Z][A-Z0-9]{1,9})-(\d{1,7})$/.exec(text);
  if (key !== null) return STANDARDS.has(key[1]!) ? undefined : { type: 'ticket', ref: text };
  if (/^(INC|REQ|CHG|RITM|PRB|TASK)\d{5,10}$/.test(text)) return { type: 'ticket', ref: text };
  const number = /^#?(\d{2,12})$/.exec(text);
  if (number !== null && (text[0] === '#' || sentence[start - 1] === '#'))
    return { type: 'ticket', ref: `#${number[1]}` };
  const kind =
    before === undefined || before.closes
      ? undefined
      : before.low === 'number' || before.low === 'id'
        ? words[at - 2]?.low
        : before.low;
  if (kind === undefined || !NUMBERED.has(kind)) return undefined;
  return /\d{3}/.test(low) && /^[a-z]{0,6}-?\d[\d-]{2,14}$/i.test(text) ? { type: 'ticket', ref: text } : undefined;
}

function file({ text }: Word): Found | undefined {
  const dot = text.lastIndexOf('.');
  if (dot < 1 || dot < text.length - 9 || text.includes('@') || text.includes('//')) return undefined;
  if (!EXTENSIONS.has(text.slice(dot + 1).toLowerCase())) return undefined;
  const ref = text.replace(/^`|`$/g, '');
  // "Node.js" and "Next.js" are tools.
  if (/^[A-Z][a-z]+\.(js|ts)$/.test(ref) || !/^[\p{L}\p{N}_./\\~-][\p{L}\p{N}\s_./\\~+=@-]*$/u.test(ref))
    return undefined;
  return { type: 'file', ref };
}
