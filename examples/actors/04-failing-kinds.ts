// A reader of records that fails at what it does not know.

import { actor } from 'troupe';

export const reader = actor({
  kind: 'reader',
  persistence: 'state',
  state: () => ({ formats: ['csv'], read: [] as string[] }),
  // Set aside at the second failure, while the message that it fails at is still to be tried again.
  supervision: { strategy: 'restart', attemptsMax: 5, failuresMax: 2, backoffMsMin: 1 },
  messages: {
    learn(context, format: string) {
      context.state.formats.push(format);
    },
    read(context, { name, format }: { name: string; format: string }) {
      context.state.read.push(name);
      if (!context.state.formats.includes(format)) throw new TypeError(`what is ${format}?`);
    },
    look: (context) => context.state.read,
  },
});
