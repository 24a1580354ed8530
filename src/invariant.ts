// Invariant
//
// A broken promise of our own code, as opposed to bad input or pressure.

/** Thrown when the program finds itself in a state that it declared impossible. Never caught to go on: it escalates. */
export class Defect extends Error {
  override readonly name = 'Defect';
}

/** Throws a Defect unless `condition` holds. `explain` is only called on failure, so it may be costly. */
export function invariant(condition: unknown, explain: string | (() => string)): asserts condition {
  if (!condition) throw new Defect(typeof explain === 'string' ? explain : explain());
}
