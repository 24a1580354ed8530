// An actor kind that does nothing but emit events: for the tests of those who observe them.

import { actor } from '../../src/index.js';

export const crier = actor({
  kind: 'crier',
  persistence: 'keys',
  tables: ['cried'],
  state: () => null,
  messages: {
    /** As many events as `texts` has, in one commit. */
    cry(context, { type, texts }: { type: string; texts: readonly string[] }) {
      for (const text of texts) context.emit(type, context.key, { text });
      return texts.length;
    },
  },
});
