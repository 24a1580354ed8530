// What bounds a WebSocket, the same in both adapters.

/** Of one frame, its fragments joined: more than any layer above takes, so that it can refuse a large one politely. */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024 + 64 * 1024;
/**
 * Before it, uWebSockets.js pings a peer that has been silent for all but the last 16 seconds: with 44 seconds, within 28.
 */
export const SOCKET_IDLE_TIMEOUT_MS = 44_000;
/** What may wait to be sent: past it nothing more is taken, and the socket is cut (S6). */
export const SEND_BUFFER_BYTES_MAX = 16 * 1024 * 1024;
/** Answers to pings that may wait behind what a peer does not read: past it the socket is cut. */
export const PENDING_PONGS_MAX = 256;
/** A control frame holds 125 bytes, and the code takes two. */
const CLOSE_REASON_BYTES_MAX = 123;

/** The part of a close reason that fits, in whole characters. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  let end = CLOSE_REASON_BYTES_MAX;
  if (bytes.length <= end) return text;
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
