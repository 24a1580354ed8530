// What may be said to the log of reads. Key: READ_LOG, there is one.

import { protocol } from '../../runtime/actor.js';

export const READ_LOG = 'log';

export type Read =
  | { readonly kind: 'state'; readonly key: string; readonly by: string; readonly found: boolean }
  | { readonly kind: 'registry'; readonly by: string };

/** In one message: each is an event of one commit. */
export const READS_PER_BATCH = 500;

export type ReadsMessages = {
  readonly log: { readonly args: { readonly reads: readonly Read[] }; readonly reply: null };
};

export const readsProtocol = protocol<ReadsMessages>('reads', ['log']);
