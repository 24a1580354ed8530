// Lesson 1, a counter: an actor holds a state, and handles one message at a time.

import { CodedError, createSystem } from 'troupe';
import { counter } from './01-counter-kinds.js';

const system = await createSystem({ kinds: [new URL('./01-counter-kinds.js', import.meta.url)] });

// A ref is a name. The actor begins with its first message, on whichever thread owns the name.
const visits = system.ref(counter, 'visits');

// tell: it is on its way, or (false) there is no room for it now. Nothing comes back.
for (let i = 0; i < 500; i++) visits.tell('add', 1);

// ask: what the handler returns. It was said last, so it is handled last.
console.log(`visits: ${await visits.ask('get')}`);

// Two that add at once do not lose a visit: turns of one actor never overlap.
const answers = await Promise.all([visits.ask('add', 10), visits.ask('add', 100)]);
console.log(`after two asks at once: ${answers.join(', ')}`);

// A refusal is an answer too. It comes as an error with a code.
try {
  await visits.ask('take', 5000);
} catch (error) {
  if (!(error instanceof CodedError)) throw error;
  console.log(`refused: ${error.code}, ${error.message}`);
}

// Another key is another actor. What the compiler knows of it, it knows from the handlers:
// visits.ask('sub', 1), visits.ask('add', 'one') and system.ref(counter, 7) do not compile.
console.log(`another counter: ${await system.ref(counter, 'other').ask('get')}`);

await system.stop();
