// The guarantees that any-schedule.ts holds the runtime to, and planted.test.ts copies of it with a bug in each.

import { acknowledgedSurvives, atomicEffects, crashes, oneActivation, oneTurn, resident } from './books.js';
import { boundedBytes, boundedMailbox, failures } from './bounds.js';
import type { Guarantee } from './guarantee.js';
import { orderPerPair } from './order.js';

export const guarantees = {
  G1: oneActivation,
  G2: oneTurn,
  G3: orderPerPair,
  G4: boundedMailbox,
  G5: atomicEffects,
  G6: acknowledgedSurvives,
  G7: crashes,
  G8: boundedBytes,
  G9: failures,
  G10: resident,
} as const satisfies Readonly<Record<string, Guarantee>>;

export type GuaranteeName = keyof typeof guarantees;
