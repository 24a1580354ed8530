// Time: a timer in memory, and a reminder that outlives the process. Lifecycles: who watches is told of an end.

import { actor } from 'troupe';

/** Ends by itself when nobody has said anything for a while. */
export const session = actor({
  kind: 'session',
  state: () => ({ said: 0 }),
  messages: {
    say(context, idleMs: number) {
      context.state.said++;
      // The same name replaces: every word moves the end away.
      context.schedule('idle', idleMs, 'end', undefined);
      return context.state.said;
    },
    end(context) {
      context.stop();
    },
  },
});

/** Watches sessions, and writes down how they ended. */
export const host = actor({
  kind: 'host',
  state: () => ({ endings: [] as string[] }),
  messages: {
    watch(context, key: string) {
      context.watch(session, key, 'ended');
    },
    ended(context, { address, ending }: { address: string; ending: string }) {
      context.state.endings.push(`${address} ${ending}`);
    },
    look: (context) => context.state.endings,
  },
});

/** Rings at a time, whatever is restarted in between. */
export const alarm = actor({
  kind: 'alarm',
  persistence: 'state',
  state: () => ({ rung: 0 }),
  messages: {
    set(context, at: number) {
      context.remind('ring', at, 'ring', undefined);
    },
    ring(context) {
      context.state.rung++;
    },
    look: (context) => context.state.rung,
  },
});
