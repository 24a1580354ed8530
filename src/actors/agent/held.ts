// Held
//
// The messages of an inbox that a live session holds: what its client said that it has already, and what was pushed to it,
// until they are acknowledged or the session ends.
//
// H1. In the order of their seqs; all claimed ones come before all pushed ones.
// H2. `pushed` and `pushedBytes` count only what was pushed in this session: that is what its window bounds.

export interface HeldMessage {
  readonly seq: number;
  /** Undefined for a claimed one: its row says it. */
  readonly row: { readonly messageId: string; readonly bytes: number } | undefined;
}

const NONE: readonly HeldMessage[] = [];

export class Held {
  #messages: HeldMessage[] = [];
  #pushed = 0;
  #pushedBytes = 0;

  get count(): number {
    return this.#messages.length;
  }

  get pushed(): number {
    return this.#pushed;
  }

  /** UTF-8 bytes of their contents. */
  get pushedBytes(): number {
    return this.#pushedBytes;
  }

  claim(seq: number): void {
    // One whose lease ran out comes after others that were claimed or pushed.
    const place = this.#messages.findLastIndex((held) => held.seq < seq) + 1;
    this.#messages.splice(place, 0, { seq, row: undefined });
  }

  push(seq: number, row: { readonly messageId: string; readonly bytes: number }): void {
    this.#messages.push({ seq, row: { messageId: row.messageId, bytes: row.bytes } });
    this.#pushed++;
    this.#pushedBytes += row.bytes;
  }

  /** Takes out those up to `seq`, at most `most`: the first. */
  takeUpTo(seq: number, most: number): readonly HeldMessage[] {
    const past = this.#messages.findIndex((held) => held.seq > seq);
    const count = Math.min(past < 0 ? this.#messages.length : past, most);
    if (count === 0) return NONE;
    const isAll = count === this.#messages.length;
    const taken = isAll ? this.#messages : this.#messages.splice(0, count);
    if (isAll) this.#messages = [];
    for (const { row } of taken) {
      if (row === undefined) continue;
      this.#pushed--;
      this.#pushedBytes -= row.bytes;
    }
    return taken;
  }
}
