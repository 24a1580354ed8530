// Client process
//
// Hosts some speakers in a process of its own. The play tells it when to start, finish and drain, over the IPC channel;
// each order is answered once. It is never killed: what its agents saw must survive.

import type { Observation } from './observation.js';
import { type Role, Speaker } from './speaker.js';
import { TroupeApi } from './troupe-api.js';

export type ClientOrder =
  | { readonly kind: 'start'; readonly url: string; readonly roles: readonly Role[] }
  /** Say nothing new, settle what is under way. */
  | { readonly kind: 'finish' }
  /** Empty the inboxes and report. */
  | { readonly kind: 'drain' };

export type ClientAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'report'; readonly observation: Observation }
  | { readonly kind: 'failed'; readonly reason: string };

let speakers: readonly Speaker[] = [];

async function obey(order: ClientOrder): Promise<ClientAnswer> {
  switch (order.kind) {
    case 'start': {
      const api = new TroupeApi(order.url);
      speakers = order.roles.map((role) => new Speaker(role, api));
      for (const speaker of speakers) speaker.start();
      return { kind: 'done' };
    }
    case 'finish':
      await Promise.all(speakers.map((speaker) => speaker.finish()));
      return { kind: 'done' };
    case 'drain': {
      const parts = await Promise.all(speakers.map((speaker) => speaker.drain()));
      return { kind: 'report', observation: mergeObservations(parts) };
    }
    default:
      throw order satisfies never;
  }
}

function mergeObservations(parts: readonly Observation[]): Observation {
  return {
    sent: parts.flatMap((part) => part.sent),
    inboxes: parts.flatMap((part) => part.inboxes),
    writes: parts.flatMap((part) => part.writes),
    reads: parts.flatMap((part) => part.reads),
    additions: parts.flatMap((part) => part.additions),
  };
}

function answer(what: ClientAnswer): void {
  process.send?.(what);
}

function fail(error: unknown): void {
  answer({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

// A speaker may fail between two orders; the play hears of it at once.
process.on('unhandledRejection', fail);
process.on('disconnect', () => process.exit(0));
process.on('message', (order: ClientOrder) => {
  obey(order).then(answer, fail);
});
