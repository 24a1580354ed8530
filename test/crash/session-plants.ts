// Session plants
//
// Bugs that would break what a session promises, as changes to the built server (planted-build.ts).

import type { Patch } from './planted-build.js';

/** Every so many times that a plant could strike it does. */
const ONE_IN = 40;
const STRIKES = `(globalThis.chances = (globalThis.chances ?? 0) + 1) % ${ONE_IN} === 0`;

/** A message is put into the inbox twice, under two seqs. */
export const deliverTwice: readonly Patch[] = [
  {
    file: 'actors/agent/delivering.js',
    find: "context.store.put(['inbox', to, inbox.append(row)], row);",
    replace: `context.store.put(['inbox', to, inbox.append(row)], row);
    if (${STRIKES}) context.store.put(['inbox', to, inbox.append(row)], row);`,
  },
];

/** A message is acknowledged to its sender, and is nowhere. */
export const loseSome: readonly Patch[] = [
  {
    file: 'actors/agent/delivering.js',
    find: "context.store.put(['inbox', to, inbox.append(row)], row);",
    replace: `if (${STRIKES}) return { messageId, at };
    context.store.put(['inbox', to, inbox.append(row)], row);`,
  },
];

/** A session that is begun again leaves out the first message that its client does not have. */
export const skipOnResume: readonly Patch[] = [
  {
    file: 'actors/agent/session.js',
    find: 'const claimed = resumed ? lastSeq : 0;',
    replace: 'const claimed = resumed ? lastSeq + 1 : 0;',
  },
];

/** Two messages of one sender that are pushed together change places, and keep the seqs of the places. */
export const swapOrder: readonly Patch[] = [
  {
    file: 'actors/agent/session.js',
    find: "context.push(session.handle, { kind: 'messages', messages });",
    replace: `const later = messages.findIndex((one, at) => messages.findIndex(({ from }) => from === one.from) < at);
    const earlier = messages.findIndex(({ from }) => from === messages[later]?.from);
    if (later > 0) {
        const [a, b] = [messages[earlier], messages[later]];
        [messages[earlier], messages[later]] = [{ ...b, seq: a.seq }, { ...a, seq: b.seq }];
    }
    context.push(session.handle, { kind: 'messages', messages });`,
  },
];
