// Route
//
// What the contract says of one call (routes.ts lists them).

import type { ErrorCode } from '../errors.js';
import type { TSchema } from './schema.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** Whose token a call needs. */
export type Auth = 'none' | 'operator' | 'agent' | 'admin';
/** What is counted together against one limit; each has its key under `limits.` in the config. */
export type RateClass = 'message_send' | 'message_read' | 'state_read' | 'state_write' | 'registry_read';

export interface Route {
  readonly method: Method;
  /** `{name}` is one segment, or, where `tail` is set, all that is left of the path. */
  readonly path: string;
  readonly tail?: true;
  readonly auth: Auth;
  /** Null: the call is not counted. */
  readonly limit: RateClass | null;
  readonly summary: string;
  readonly query?: TSchema;
  /** Absent: the body is not looked at. */
  readonly body?: TSchema;
  readonly conditional?: 'put' | 'delete';
  /** A GET that changes something: HEAD is not answered in its place. */
  readonly consumes?: true;
  readonly status: 200 | 201 | 202;
  readonly answer: TSchema;
  /** What the answer is, where it is not JSON. */
  readonly media?: string;
  /** Beyond those that any call may meet (openapi.ts). */
  readonly errors: readonly ErrorCode[];
}
