// A kind of actor: what one is called, what it begins with, and what may be said to it.
// Kinds have a module of their own, because every thread of a system loads it.

import { actor, refuse } from 'troupe';

export const counter = actor({
  kind: 'counter',
  state: () => ({ count: 0 }),
  messages: {
    add(context, by: number) {
      context.state.count += by;
      return context.state.count;
    },
    take(context, by: number) {
      if (by > context.state.count) return refuse('CONFLICT', { reason: `there are only ${context.state.count}` });
      context.state.count -= by;
      return context.state.count;
    },
    get: (context) => context.state.count,
  },
});
