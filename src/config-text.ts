// Config text
//
// The two things about config that are about text alone: how a file's members become keys,
// and which key a mistyped one was likely meant to be.

/** A config is a screenful; what is larger is some other file. */
export const CONFIG_FILE_BYTES_MAX = 1_048_576;

/** A name further off than this many edits is not offered: it would be a guess. */
const EDITS_MAX = 3;
const NAME_LENGTH_MAX = 64;

export interface FileMember {
  readonly key: string;
  readonly value: unknown;
}

/** `{"http": {"port": 1}}` and `{"http.port": 1}` are the same; undefined when the whole is no object. */
export function flattenFile(content: unknown): FileMember[] | undefined {
  if (!isObject(content)) return undefined;
  const members: FileMember[] = [];
  for (const [name, value] of Object.entries(content)) {
    if (isObject(value) && !name.includes('.')) {
      for (const [member, inner] of Object.entries(value)) members.push({ key: `${name}.${member}`, value: inner });
    } else {
      members.push({ key: name, value });
    }
  }
  return members;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `; did you mean x?` with the nearest of the names, or nothing when none is near. */
export function nearest(name: string, names: Iterable<string>): string {
  if (name.length > NAME_LENGTH_MAX) return '';
  let best: string | undefined;
  let bestEdits = EDITS_MAX + 1;
  for (const candidate of names) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** Insertions, deletions and replacements between two texts (Levenshtein), in one row. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] as number;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number;
      const replaced = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, above + 1, (row[j - 1] as number) + 1);
      diagonal = above;
    }
  }
  return row[b.length] as number;
}
