// What can be wrong with the bytes of a request, whatever they mean.

import type { Random } from './random.js';

type Mutation = (random: Random, bytes: Buffer) => Buffer;

/** Bytes that parsers look for. */
const SIGNS = [
  0x00, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2c, 0x2f, 0x3a, 0x3b, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xff,
];
const STUFFING_BYTES_MAX = 20_000;

const flipBit: Mutation = (random, bytes) => {
  const changed = Buffer.from(bytes);
  const at = random.below(bytes.length);
  changed[at] = (changed[at] as number) ^ (1 << random.below(8));
  return changed;
};

const setSign: Mutation = (random, bytes) => {
  const changed = Buffer.from(bytes);
  changed[random.below(bytes.length)] = random.pick(SIGNS);
  return changed;
};

const insertSign: Mutation = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.pick(SIGNS)]), bytes.subarray(at)]);
};

const insertRun: Mutation = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  const run = Buffer.alloc(random.size(STUFFING_BYTES_MAX), random.below(256));
  return Buffer.concat([bytes.subarray(0, at), run, bytes.subarray(at)]);
};

const drop: Mutation = (random, bytes) => {
  const at = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.size(bytes.length - at - 1))]);
};

const repeat: Mutation = (random, bytes) => {
  const from = random.below(bytes.length);
  const to = from + 1 + random.size(bytes.length - from - 1);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
};

const swap: Mutation = (random, bytes) => {
  const cut = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(cut), bytes.subarray(0, cut)]);
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setSign,
  setSign,
  insertSign,
  insertSign,
  insertRun,
  drop,
  repeat,
  swap,
];

/** The bytes after one to eight mutations. May be empty. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let changed = bytes;
  const times = 1 + random.size(7);
  for (let i = 0; i < times && changed.length > 0; i++) changed = random.pick(MUTATIONS)(random, changed);
  return changed;
}
