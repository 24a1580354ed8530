// Session speaker
//
// What an agent of a chaos run has to say, said over its line.
//
// K1. Its messages go to its partners in turn. Of those to one partner at most `depth` are not known at a time.
// K2. It begins the next as soon as one is known: how fast it speaks is up to the server and the network.

import { contentOf, type SessionLedger } from './session-ledger.js';
import type { SessionLine } from './session-line.js';

export interface Part {
  readonly from: string;
  readonly partners: readonly string[];
  /** To all partners together. */
  readonly messages: number;
  readonly depth: number;
}

/** Resolves when all is known to be acknowledged. */
export async function speak(line: SessionLine, ledger: SessionLedger, part: Part): Promise<void> {
  const { from, partners, messages, depth } = part;
  await Promise.all(
    partners.map(async (to, index) => {
      const count = Math.floor(messages / partners.length) + (index < messages % partners.length ? 1 : 0);
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < count) {
          const place = next++;
          const send = ledger.begin(from, to, place);
          const { messageId, connection } = await line.send(to, contentOf(from, to, place));
          ledger.acknowledge(send, messageId, connection);
        }
      };
      await Promise.all(Array.from({ length: Math.min(depth, count) }, lane));
    }),
  );
}
