// What the main thread and the sender's thread say to each other.

import type { AttemptResult } from '../../actors/endpoint/protocol.js';
import type { Push } from './sender.js';

export interface Ticketed {
  readonly ticket: number;
}

export type ToSender =
  | { readonly kind: 'send'; readonly pushes: readonly (Push & Ticketed)[] }
  | { readonly kind: 'stop' };

export interface FromSender {
  readonly results: readonly (Ticketed & { readonly result: AttemptResult })[];
}

export interface SenderThreadData {
  readonly allowPrivate: boolean;
  readonly connectTimeoutMs: number;
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  readonly userAgent: string;
}
