// Compile steps: how a compile is begun, kept going and called off.

import { refuse } from '../../runtime/actor.js';
import type { CompileRequest } from './compile-queue.js';
import { subjectProtocol } from './protocol.js';
import type { Context } from './state.js';

const REMOVED = refuse('NOT_FOUND', { what: 'subject any more' });

/** False when too many wait. */
export function enqueue(context: Context, request: CompileRequest): boolean {
  if (!context.state.compiling.enter(request)) return false;
  tellStep(context);
  return true;
}

/** There is a step to be made, and one at most is on its way. */
export function tellStep(context: Context): void {
  const { compiling } = context.state;
  if (compiling.isStepTold) return;
  compiling.isStepTold = true;
  context.tell(subjectProtocol, context.key, 'step', null);
}

/** The subject is gone: nobody is left to compile for. */
export function abandonCompiles(context: Context): void {
  for (const request of context.state.compiling.abandon()) {
    if (request.kind === 'ask') context.reply(request.handle, REMOVED);
  }
}
