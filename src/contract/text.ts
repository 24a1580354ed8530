// Text
//
// What a string must be before it is kept: whole Unicode, within a number of UTF-8 bytes.

declare global {
  interface String {
    /** ECMAScript 2024; every Node that runs this has it, the library that the compiler is told of does not. */
    isWellFormed(): boolean;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes, or undefined when they are not UTF-8. A byte order mark is kept: JSON has none. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // The only thing that a fatal decoder throws for.
    return undefined;
  }
}

/** How many bytes `text` takes as UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** True when `text` takes more than `bytesMax` bytes as UTF-8; short and hopeless strings are not measured. */
export function exceedsBytes(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || utf8Bytes(text) > bytesMax;
}

/** `%` escapes decoded once, or undefined when one is malformed or spells no UTF-8. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError is all that it throws.
    return undefined;
  }
}
