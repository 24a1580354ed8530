// Refusal
//
// How a handler says no, or later. Expected refusals are returned, never thrown.

import type { ErrorCode, ErrorParams, Fault } from '../errors.js';

/** A refusal: the caller gets the error; the turn's effects still happen. */
export class Refusal implements Fault {
  constructor(
    readonly code: ErrorCode,
    readonly params: ErrorParams = {},
  ) {}
}

export function refuse(code: ErrorCode, params?: ErrorParams): Refusal {
  return new Refusal(code, params);
}

/** Returned by a handler that will answer in a later turn through `context.reply`. */
export const LATER: unique symbol = Symbol('later');
