// What breaks the protocol of WebSockets itself, or hides what it says behind it.

import { deflateRawSync } from 'node:zlib';
import { mutateBytes } from './byte-mutations.js';
import type { Random } from './random.js';
import { closePayload, encodeWire, OPCODE } from './session-wire.js';

export interface BreachMaterial {
  /** The opcode of the subprotocol's own frames. */
  readonly opcode: number;
  /** A good frame, encoded, that is never to be answered. */
  readonly payload: Buffer;
  /** Several good frames, as they would go on the wire. */
  readonly wire: Buffer;
}

export interface Breach {
  readonly bytes: Buffer;
  /** The connection must end, and nothing of the payload be answered. */
  readonly ends: boolean;
  readonly frames: number;
}

type Make = (random: Random, material: BreachMaterial) => Breach;

const FRAME_BYTES_MAX = 2 * 1024 * 1024;
/** The listener takes a little more than a session does, to be able to say why. */
const LISTENER_BYTES_MAX = FRAME_BYTES_MAX + 64 * 1024;
/** Some kilobytes that would become 16 MiB. */
const BOMB = deflateRawSync(Buffer.alloc(16 * 1024 * 1024));
const BROKEN_UTF8 = ['c3', 'ff', 'eda080', 'f8888080', 'c0af', 'f0808080', 'f4908080', 'e28220'];
const BROKEN_CLOSES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535];

const ending = (bytes: Buffer, frames = 1): Breach => ({ bytes, ends: true, frames });
const free = (bytes: Buffer, frames = 1): Breach => ({ bytes, ends: false, frames });

const MAKERS: readonly Make[] = [
  (random, { wire }) => free(mutateBytes(random, wire), 3),
  (random, { wire }) => free(mutateBytes(random, wire), 3),
  (random, { opcode, payload }) => free(encodeWire({ opcode, payload: mutateBytes(random, payload) })),
  (random, { opcode, payload }) => free(encodeWire({ opcode, payload: mutateBytes(random, payload) })),
  // Compression that nobody agreed to (S5).
  (_random, { opcode }) => ending(encodeWire({ opcode, payload: BOMB, rsv: 4 })),
  (_random, { opcode, payload }) => ending(encodeWire({ opcode, payload: deflateRawSync(payload), rsv: 4 })),
  (random, { opcode, payload }) => ending(encodeWire({ opcode, payload, rsv: 1 + random.below(7) })),
  (_random, { opcode, payload }) => ending(encodeWire({ opcode, payload, masked: false })),
  (random, { payload }) => ending(encodeWire({ opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload })),
  // Fragments that do not belong together.
  (_random, { payload }) => ending(encodeWire({ opcode: OPCODE.continuation, payload })),
  (_random, { opcode, payload }) =>
    ending(
      Buffer.concat([
        encodeWire({ opcode, payload: payload.subarray(0, 3), fin: false }),
        encodeWire({ opcode, payload }),
      ]),
      2,
    ),
  (random) =>
    ending(encodeWire({ opcode: random.pick([OPCODE.ping, OPCODE.close]), payload: Buffer.alloc(4), fin: false })),
  (random) => ending(encodeWire({ opcode: random.pick([OPCODE.ping, OPCODE.pong]), payload: Buffer.alloc(126) })),
  // Close frames.
  () => ending(encodeWire({ opcode: OPCODE.close, payload: Buffer.alloc(1) })),
  (random) => ending(encodeWire({ opcode: OPCODE.close, payload: closePayload(random.pick(BROKEN_CLOSES)) })),
  () => ending(encodeWire({ opcode: OPCODE.close, payload: Buffer.from('03e8ff', 'hex') })),
  () => ending(encodeWire({ opcode: OPCODE.close, payload: closePayload(3_000, 'so long') })),
  // Texts that are none.
  (random) => ending(encodeWire({ opcode: OPCODE.text, payload: Buffer.from(random.pick(BROKEN_UTF8), 'hex') })),
  (random) => {
    const payload = Buffer.concat([Buffer.from('{"type":"ping","id":"'), Buffer.from(random.pick(BROKEN_UTF8), 'hex')]);
    return ending(encodeWire({ opcode: OPCODE.text, payload }));
  },
  // The frames of the other subprotocol.
  (_random, { opcode, payload }) =>
    ending(encodeWire({ opcode: opcode === OPCODE.text ? OPCODE.binary : OPCODE.text, payload })),
  // Lengths.
  (random, { opcode }) => {
    const toldLength = random.pick([2n ** 63n, 2n ** 64n - 1n, 2n ** 40n, BigInt(LISTENER_BYTES_MAX + 1)]);
    return ending(encodeWire({ opcode, payload: Buffer.alloc(16, 0x20), lengthForm: '64', toldLength }));
  },
  (random, { opcode, payload }) => free(encodeWire({ opcode, payload, lengthForm: random.pick(['16', '64']) })),
  (random, { opcode, payload }) =>
    free(encodeWire({ opcode, payload, toldLength: BigInt(random.below(payload.length)) })),
  tooLarge,
  // Much of what is cheap to send.
  (_random, { opcode }) =>
    free(Buffer.concat(Array.from({ length: 200 }, () => encodeWire({ opcode, payload: EMPTY }))), 200),
  (random) => {
    const payload = Buffer.alloc(random.below(126));
    return free(Buffer.concat(Array.from({ length: 300 }, () => encodeWire({ opcode: OPCODE.ping, payload }))), 300);
  },
  (_random, { opcode, payload }) => {
    const pieces = [...payload].map((byte, index) => {
      const [fin, first] = [index === payload.length - 1, index === 0];
      return encodeWire({ opcode: first ? opcode : OPCODE.continuation, payload: Buffer.from([byte]), fin });
    });
    // Whole again, it is a good frame.
    return free(Buffer.concat(pieces), pieces.length);
  },
  (random, { opcode }) => {
    const deep = random.pick(['['.repeat(30_000), '{"type":'.repeat(5_000), `[${'0,'.repeat(20_000)}0]`]);
    return free(
      encodeWire({ opcode, payload: opcode === OPCODE.text ? Buffer.from(deep) : Buffer.alloc(30_000, 0x91) }),
    );
  },
  (random, { opcode }) => {
    const head = random.pick([
      'dfffffffff',
      'ddffffffff',
      'dbffffffff',
      'c6ffffffff',
      'c9ffffffff00',
      'd4',
      'c1',
      '81',
    ]);
    return ending(encodeWire({ opcode, payload: Buffer.from(head, 'hex') }));
  },
];

const EMPTY = Buffer.alloc(0);
/** 2 MiB cost as much as a thousand others. */
const LARGE_ONE_IN = 20;

/** Over what a session takes, or over what the listener does, in one piece or in many. */
function tooLarge(random: Random, { opcode, payload }: BreachMaterial): Breach {
  if (!random.oneIn(LARGE_ONE_IN)) return free(encodeWire({ opcode, payload }));
  const bytes = random.pick([FRAME_BYTES_MAX + 1, LISTENER_BYTES_MAX + 1]);
  const large = Buffer.alloc(bytes, 0x20);
  if (random.oneIn(2)) return ending(encodeWire({ opcode, payload: large }));
  const half = Math.floor(bytes / 2);
  const pieces = [
    encodeWire({ opcode, payload: large.subarray(0, half), fin: false }),
    encodeWire({ opcode: OPCODE.continuation, payload: large.subarray(half) }),
  ];
  return ending(Buffer.concat(pieces), 2);
}

export function breach(random: Random, material: BreachMaterial): Breach {
  return random.pick(MAKERS)(random, material);
}
