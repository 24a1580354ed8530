// Shared change: one change of the shared state on its way to many sessions, encoded once for each subprotocol.

import type { StateChange } from '../../actors/state/protocol.js';
import { timestamp } from '../../clock.js';
import type { ChangeFrame } from '../../contract/session.js';
import type { Encoded, FrameCodec } from './frame-codec.js';

export class SharedChange {
  readonly key: string;
  readonly #frame: ChangeFrame;
  readonly #encoded = new Map<FrameCodec, Encoded>();

  constructor({ key, etag, by, at }: StateChange) {
    this.key = key;
    this.#frame = { type: 'change', key, etag, deleted: etag === null, by, at: timestamp(at) };
  }

  encodedBy(codec: FrameCodec): Encoded {
    let encoded = this.#encoded.get(codec);
    if (encoded === undefined) {
      encoded = codec.encode(this.#frame);
      this.#encoded.set(codec, encoded);
    }
    return encoded;
  }
}
