// A handler that is a generator answers with a stream: each item is a turn of its own.

import { actor } from 'troupe';

export const searcher = actor({
  kind: 'searcher',
  state: () => ({ found: 0, isSearching: false }),
  messages: {
    *primes(context, from: number) {
      context.state.isSearching = true;
      try {
        for (let candidate = from; ; candidate++) {
          if (!isPrime(candidate)) continue;
          context.state.found++;
          yield candidate;
        }
      } finally {
        // Also when the reader leaves early: this is where files are closed and searches are called off.
        context.state.isSearching = false;
      }
    },
    look: (context) => context.state,
  },
});

function isPrime(candidate: number): boolean {
  for (let factor = 2; factor * factor <= candidate; factor++) if (candidate % factor === 0) return false;
  return candidate > 1;
}
