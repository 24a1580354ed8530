// Traces
//
// What a system asks of whoever follows traces through it: the mark of what is sent into it, and what to do with the spans
// that come out.
//
// Owns:     reading what the shards tell of traces on their links.
// Does not: sample, keep or export anything (transport/tracing/), or make spans (tracer.ts).

import { decodeValue } from './codec.js';
import type { Reply } from './envelope.js';
import type { EnvelopeVisitor } from './envelope-reader.js';
import type { TracedSpans } from './tracer.js';

export interface Traces {
  /** Of what is being done just now; undefined when that is not traced. */
  current(): Uint8Array | undefined;
  /** Runs what happens to an item that was pushed by a traced turn. */
  pushed(mark: Uint8Array, run: () => void): void;
  spans(told: TracedSpans): void;
}

/** What the front does with what comes from a shard. */
export function frontVisitor(
  settle: (reply: Reply) => void,
  traces: Traces | undefined,
): Pick<EnvelopeVisitor, 'reply' | 'spans'> {
  if (traces === undefined) return { reply: settle };
  return {
    reply: (reply, mark) => (mark === undefined ? settle(reply) : traces.pushed(mark, () => settle(reply))),
    spans: (encoded) => traces.spans(decodeValue(encoded) as TracedSpans),
  };
}
