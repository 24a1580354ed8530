// Open answer (port)
//
// An answer of HTTP that goes on for as long as there is something to say (chunked, RFC 9112, 7.1): begun by
// HttpExchange.begin(). Both adapters run one conformance suite (test/transport/listener/conformance-open.ts).
//
// Owns:     chunks, what waits to be sent, the end.
// Does not: know what is said, or when to say nothing more.
//
// O1. The head and the first piece leave at once; what is written in one turn of the loop may leave in one piece.
// O2. closed() comes exactly once: inside of end() and terminate(), when the peer goes away, or when the adapter cuts the
//     connection. Nothing comes after it, and nothing that is written afterwards has any effect.
// O3. write() never blocks. What the peer does not read is kept, and counted in bufferedBytes; drained() says that the
//     buffer has become empty, or smaller than it was when write() was last called. An answer to which more is written
//     while more than SEND_BUFFER_BYTES_MAX wait is cut.
// O4. The connection ends with the answer: its head says so, and no further request is taken from it.
// O5. Draining a listener leaves open answers open: whoever began them ends them. close() cuts them.
// O6. No time limit of HTTP counts while an answer is open and its peer reads. To a peer that does not, something must be
//     written within OPEN_SILENCE_MS_MAX of what was written before, or the adapter may cut it (docs/listeners.md).
// O7. A handler that throws has its answer cut, and never takes the process down.

/** How long nothing may be written to a peer that does not read. */
export const OPEN_SILENCE_MS_MAX = 6000;

export interface OpenAnswer {
  /** Text as UTF-8, or bytes, which are copied. Empty ones are nothing. False when it is over. */
  write(data: string | Uint8Array): boolean;
  /** Bytes that the peer has not taken yet, beyond what the system itself holds; docs/listeners.md says how exactly. */
  readonly bufferedBytes: number;
  /** Ends the answer behind what was written; a peer that does not read that is cut off. */
  end(): void;
  /** Cuts the connection now; what was not sent is lost. */
  terminate(): void;
}

/** What an open answer calls. */
export interface OpenAnswerHandler {
  drained(): void;
  closed(): void;
}
