// Scheduler
//
// Chooses what happens next, of all that may: by dice, so that seeds are interleavings and the same seed is the same one.
//
//     steps that may be taken ──▶ one, by its weight ──▶ take it ──▶ what may be taken now …
//
// Each schedule has weights of its own for each sort of step: in one the journal is slow, in another the links are. With
// equal chances everywhere, what needs one part to lag far behind would hardly ever happen.
//
// Owns:     the dice.
// Does not: know what a step does.
//
// SC1. Every step that may be taken is taken some time: no weight is 0.

import { SeededRandom } from './seeded-random.js';

/** How likely a sort of step is, beside others. */
const WEIGHTS = [0.05, 0.3, 1, 1, 4];

export type StepKind =
  /** What was said from outside leaves. */
  | 'send'
  /** A batch of envelopes comes to a worker, or back to the outside. */
  | 'arrive'
  /** Commit records come to the journal. */
  | 'submit'
  | 'tick'
  | 'timer'
  | 'commit'
  | 'acknowledge'
  | 'apply'
  /** The journal hears from the applier. */
  | 'applied'
  /** A worker hears of another that came or went. */
  | 'hear'
  /** A lost worker is replaced. */
  | 'replace'
  /** The former life of a lost worker ends. */
  | 'bury';

export interface Step {
  readonly kind: StepKind;
  /** Of whom. */
  readonly of: string;
  readonly take: () => void;
}

export class Scheduler {
  readonly #random: SeededRandom;
  readonly #weights = new Map<StepKind, number>();
  readonly #onStep: ((step: string) => void) | undefined;

  constructor(seed: number, onStep: ((step: string) => void) | undefined) {
    this.#random = new SeededRandom(seed);
    this.#onStep = onStep;
  }

  /** Takes one of these; of none, nothing. */
  take(steps: readonly Step[]): void {
    let left = this.#random.next() * steps.reduce((sum, { kind }) => sum + this.#weight(kind), 0);
    const chosen = steps.find(({ kind }) => {
      left -= this.#weight(kind);
      return left < 0;
    });
    const step = chosen ?? steps.at(-1);
    if (step === undefined) return;
    this.#onStep?.(`${step.kind} ${step.of}`);
    step.take();
  }

  #weight(kind: StepKind): number {
    let weight = this.#weights.get(kind);
    if (weight === undefined) {
      weight = this.#random.pick(WEIGHTS);
      this.#weights.set(kind, weight);
    }
    return weight;
  }
}
