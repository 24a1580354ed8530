// An actor that answers with what it is asked, and counts.

import { actor } from '../../src/index.js';

export const echo = actor({
  kind: 'echo',
  state: () => ({ count: 0 }),
  messages: {
    echo(context, value: number) {
      context.state.count++;
      return value;
    },
    count: (context) => context.state.count,
  },
});
