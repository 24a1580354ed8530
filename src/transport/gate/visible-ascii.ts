// Visible ASCII
//
// The characters from `!` to `~`: what a client may choose for a name that we write into headers, logs and keys.

const FIRST = 0x21;
const LAST = 0x7e;

/** Whether `text` has 1..charsMax characters, all of them visible ASCII. */
export function isVisibleAscii(text: string, charsMax: number): boolean {
  if (text.length === 0 || text.length > charsMax) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < FIRST || code > LAST) return false;
  }
  return true;
}
