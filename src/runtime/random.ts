// Random
//
// The numbers of context.random(): one row for each actor, from the system's seed and the actor's address, so that a
// simulation gives the same on one worker or many (G12).
//
// Source: mulberry32 (Tommy Ettinger, public domain): 32 bits of state, full period, passes gjrand.

import type { Cell } from './cell.js';

const STEP = 0x6d2b79f5;

/** The next number of this actor, in [0, 1). */
export function nextRandom(cell: Cell, seed: number): number {
  if (cell.random === undefined) cell.random = seedOf(cell.address, seed);
  cell.random = (cell.random + STEP) | 0;
  let bits = cell.random;
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

/** FNV-1a over the address, begun with the seed. */
function seedOf(address: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193);
  return hash | 0;
}
