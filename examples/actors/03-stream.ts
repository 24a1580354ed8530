// Lesson 3, a streaming reply: items as they are found, never far ahead of their reader, and ended when the reader leaves.

import { createSystem } from 'troupe';
import { searcher } from './03-stream-kinds.js';

const LOOK_AGAIN_MS = 10;

const system = await createSystem({ kinds: [new URL('./03-stream-kinds.js', import.meta.url)] });
const search = system.ref(searcher, 'search');

const found: number[] = [];
for await (const prime of search.stream('primes', 1_000_000)) {
  found.push(prime);
  if (found.length < 5) continue;
  // The generator has no end, and its actor answers all the same: other messages are handled between two items.
  const { isSearching } = await search.ask('look');
  console.log(`five found: ${found.join(' ')}; still searching: ${isSearching}`);
  // To leave the loop is to cancel the stream.
  break;
}

let seen = await search.ask('look');
while (seen.isSearching) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  seen = await search.ask('look');
}
console.log(`the generator was ended; it was less than 65 items ahead: ${seen.found - found.length < 65}`);

// Or from elsewhere, by a signal: then the reader gets the signal's reason.
const timeIsUp = new AbortController();
try {
  for await (const prime of search.stream('primes', 10, { signal: timeIsUp.signal })) {
    if (prime > 20) timeIsUp.abort(new Error('time is up'));
  }
} catch (error) {
  console.log(`aborted: ${(error as Error).message}`);
}

await system.stop();
