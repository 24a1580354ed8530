// Kernel context
//
// What a call of the kernel (send, state, registry) is given and what comes of it, whichever way it came: as a request
// (http/) or as a frame (session/).

import type { Clock } from '../../clock.js';
import type { Fault } from '../../errors.js';
import type { Actors, AskOptions, Durability, Idempotency } from '../../runtime/ref.js';
import type { FrontMeter } from '../metrics/front-meter.js';
import type { ReadLog } from './read-log.js';

/** An actor that says nothing for this long is not waited for; a long poll adds its own wait. */
export const ASK_TIMEOUT_MS = 30_000;

/** Bounds and choices out of the config. */
export interface KernelRules {
  readonly contentBytesMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly stateCapacityBytes: number;
  readonly durability: Durability;
}

export interface KernelContext {
  readonly rules: KernelRules;
  readonly clock: Clock;
  readonly meter: Pick<FrontMeter, 'messageSent'>;
  readonly actors: Actors;
  /** Where reads are told; undefined: they are no events. */
  readonly reads?: Pick<ReadLog, 'stateRead' | 'registryRead'> | undefined;
  /** The committed value of a counter. */
  readonly counter: (name: string) => number;
}

/** What became of a call: the members of its answer, or why it was refused. */
export type Outcome<T extends object = object> =
  | {
      readonly ok: true;
      readonly body: T;
      /** The version of the value, without quotes; undefined where the answer has none. */
      readonly etag: string | undefined;
      /** It is the first answer again. */
      readonly replayed: boolean;
    }
  | { readonly ok: false; readonly fault: Fault };

export function done<T extends object>(body: T, replayed = false, etag?: string): Outcome<T> {
  return { ok: true, body, etag, replayed };
}

export function refused(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault };
}

/** The options of an ask: as durable as the config says, once if it has a key. */
export function askOptions(context: KernelContext, idempotency?: Idempotency, waitMs = 0): AskOptions {
  const options = { timeoutMs: ASK_TIMEOUT_MS + waitMs, durability: context.rules.durability };
  return idempotency === undefined ? options : { ...options, idempotency };
}
