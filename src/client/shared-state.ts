// Shared state
//
// The shared state of a server, over a session.

import type { OkFrame } from '../contract/session.js';
import type { Requests } from './requests.js';
import type { CallOptions } from './retrying.js';
import { TroupeError } from './troupe-error.js';
import type { WatchEvent, Watches } from './watches.js';

export interface StateEntry {
  readonly key: string;
  readonly value: string;
  /** The version of the value. */
  readonly etag: string;
  readonly by: string;
  readonly at: string;
  /** An admin removed the value; what stands in its place is `value`. */
  readonly redacted?: true;
}

export interface StateWritten {
  readonly key: string;
  readonly etag: string;
  readonly by: string;
  readonly at: string;
}

export interface StateRemoved {
  readonly key: string;
  readonly by: string;
  readonly at: string;
}

export interface KeysPage {
  /** In the order of their UTF-8 bytes. */
  readonly keys: readonly string[];
  readonly nextCursor: string | null;
  /** How many keys begin with the prefix. */
  readonly total: number;
}

export interface PutOptions extends CallOptions {
  /** Only if this is the current etag, or, with `*`, if there is a value at all. */
  readonly ifMatch?: string | undefined;
  /** Only if there is no value yet. */
  readonly ifAbsent?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly ifMatch?: string | undefined;
}

export interface PageOptions extends CallOptions {
  readonly cursor?: string | undefined;
  /** 1 to 1000, 100 when nothing is said. */
  readonly limit?: number | undefined;
}

export class SharedState {
  readonly #requests: Requests;
  readonly #watches: Watches;

  constructor(requests: Requests, watches: Watches) {
    this.#requests = requests;
    this.#watches = watches;
  }

  /** Undefined where there is no value. */
  async get(key: string, options: CallOptions = {}): Promise<StateEntry | undefined> {
    try {
      const ok = (await this.#requests.ask({ type: 'state.get', key }, { ...options, repeatable: true })) as OkFrame;
      return {
        key,
        value: String(ok.value),
        etag: String(ok.etag),
        by: String(ok.last_modified_by),
        at: String(ok.last_modified_at),
        ...(ok.redacted === true && { redacted: true }),
      };
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /**
   * Writes a value. Without a condition it is repeated over a new connection when the answer was lost, and may so overwrite
   * what another wrote in between. With a condition it is not: then it fails with `outcome_unknown`.
   */
  async put(key: string, value: string, options: PutOptions = {}): Promise<StateWritten> {
    const { ifMatch, ifAbsent = false } = options;
    const condition = {
      ...(ifMatch === undefined ? {} : { if_match: ifMatch }),
      ...(ifAbsent ? { if_none_match: '*' as const } : {}),
    };
    const repeatable = ifMatch === undefined && !ifAbsent;
    const request = { type: 'state.put' as const, key, value, ...condition };
    const ok = (await this.#requests.ask(request, { ...options, repeatable })) as OkFrame;
    return { key, etag: String(ok.etag), by: String(ok.written_by), at: String(ok.written_at) };
  }

  /** Fails with `not_found` where there is no value, and with `outcome_unknown` when the connection was lost meanwhile. */
  async delete(key: string, options: DeleteOptions = {}): Promise<StateRemoved> {
    const condition = options.ifMatch === undefined ? {} : { if_match: options.ifMatch };
    const request = { type: 'state.delete' as const, key, ...condition };
    const ok = (await this.#requests.ask(request, { ...options, repeatable: false })) as OkFrame;
    return { key, by: String(ok.deleted_by), at: String(ok.deleted_at) };
  }

  async listPage(prefix = '', options: PageOptions = {}): Promise<KeysPage> {
    const request = { type: 'state.list' as const, prefix, ...pageOf(options) };
    const ok = (await this.#requests.ask(request, { ...options, repeatable: true })) as OkFrame;
    return {
      keys: ok.keys as readonly string[],
      nextCursor: ok.next_cursor as string | null,
      total: Number(ok.total),
    };
  }

  /** All keys under the prefix, page by page. */
  async *list(prefix = '', options: CallOptions = {}): AsyncGenerator<string, undefined, undefined> {
    let cursor: string | undefined;
    do {
      const page = await this.listPage(prefix, { ...options, cursor });
      yield* page.keys;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Every later change of a key under the prefix (watches.ts). It begins with `reset`: list then, and miss nothing. */
  watch(
    prefix = '',
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterableIterator<WatchEvent, undefined> {
    return this.#watches.watch(prefix, options.signal);
  }
}

export function pageOf({ cursor, limit }: PageOptions): { readonly cursor?: string; readonly limit?: number } {
  return { ...(cursor === undefined ? {} : { cursor }), ...(limit === undefined ? {} : { limit }) };
}
