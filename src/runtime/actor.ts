// Actor
//
// How an actor kind is declared, and all that src/actors may import of the runtime.
//
//     actor({ kind: 'counter', state: () => ({ count: 0 }), messages: { add(context, by: number) { … } } })
//
// or, where others must know what may be said without loading how it is done,
//
//     protocol.ts   `protocol<Messages>('account', ['pay', 'balance'])`: importable by anyone
//     <kind>.ts     `actor({ protocol, … })`: importable by workers alone
//
// A handler is called with one message at a time (G2). It may read, change its own state in memory, and put effects
// (context.ts). It answers by returning: a value, a promise, a refusal, LATER, or a generator whose items are streamed.
//
// A1. A handler that throws has said nothing: its effects are dropped, and the actor is dealt with as its kind says
//     (supervision.ts). Expected refusals are therefore returned (`refuse`), never thrown; a refusal may have effects.
// A2. A kind writes only to the tables that it declares.

import type { ActivationContext, Context, Key } from './context.js';
import type { Messages, Protocol, Streamed } from './protocol.js';
import type { LATER, Refusal } from './refusal.js';
import type { Supervision } from './supervision.js';

export type { Address } from './address.js';
export type {
  ActivationContext,
  Context,
  Key,
  KeyedValue,
  OwnStore,
  RangeQuery,
  ReplyHandle,
  StoreReads,
} from './context.js';
export { type Messages, type Protocol, protocol, type Streamed } from './protocol.js';
export type { Ending } from './ref.js';
export { LATER, Refusal, refuse } from './refusal.js';
export type { Supervision } from './supervision.js';

/** none: memory alone. state: the whole state, after each turn that changed it. keys: what handlers put in the store. */
export type Persistence = 'none' | 'state' | 'keys';

type Settled<R> = R | Refusal | typeof LATER;

/** What a handler may return for a reply; a streamed one is a generator. */
export type HandlerResult<R> =
  R extends Streamed<infer Item>
    ? AsyncGenerator<Item, void, void> | Generator<Item, void, void> | Refusal | typeof LATER
    : Settled<R> | Promise<Settled<R>>;

export type Handler<State, M extends Messages, K extends keyof M> = (
  context: Context<State, M>,
  args: M[K]['args'],
) => HandlerResult<M[K]['reply']>;

/** What a message of this actor makes it read of others' making. Pure, and cheap: it is called before every such turn. */
export type ForeignReads<Args> = (key: string, args: Args) => readonly Key[];

export interface MailboxBounds {
  /** Most envelopes waiting for one actor; past it the sender is told `full` (G4). */
  readonly capacity: number;
  /** Most bytes of them, as encoded. */
  readonly bytesMax: number;
}

/** What a kind may say beside its messages. All of it has a default. */
export interface KindOptions<State> {
  readonly mailbox?: Partial<MailboxBounds>;
  readonly supervision?: Partial<Supervision>;
  /** Roughly the bytes that a state keeps resident; asked after turns, so cheap. Default: its encoded size, or 64. */
  readonly residentBytes?: (state: State) => number;
  /** False keeps an idle actor in memory. Default: an actor without timers and open asks may go, but for persistence `none`. */
  readonly mayPassivate?: (state: State) => boolean;
  /** An actor with nothing to remember: it is activated anew for its next message, for others may have written since. */
  readonly isBlank?: (state: State) => boolean;
}

/** Of persistence `state`: what the stored form is, and how an older one becomes it. */
export interface StateVersions<State> {
  /** From 1; default 1. A stored state of a newer version is refused. */
  readonly version?: number;
  /** Called with a stored state of a version below. What it gives is stored with the next change. */
  readonly migrate?: (stored: unknown, version: number) => State;
}

/** Of persistence `keys`: what the kind writes, and what it reads of others' making. */
export interface KeysOptions<M extends Messages> {
  /** Every table that a handler of this kind may write to (A2). */
  readonly tables?: readonly string[];
  /** Every counter that it may add to. */
  readonly counters?: readonly string[];
  /** Keys of others' making that `state` gets (C2). Of ranges it may read only the actor's own rows. */
  readonly activationReads?: (key: string) => readonly Key[];
  /**
   * By message: what its handler reads of others' making (C2), keys to get, and tables (`['registry']`) to range over.
   * Not to be listed: rows that only this actor writes. Where several actors write a key in turn, one that wrote it lately
   * may get its own last write, unless it reads the table.
   */
  readonly reads?: { readonly [K in keyof M & string]?: ForeignReads<M[K]['args']> };
}

interface Declaration<State, M extends Messages> extends KindOptions<State>, StateVersions<State>, KeysOptions<M> {
  /** Default `none`. */
  readonly persistence?: Persistence;
  /** The state that a life begins with. Of persistence `state`, where none is stored; of `keys`, read from the store. */
  readonly state: (context: ActivationContext) => State;
}

/** Handlers as they stand in a declaration; what may be said is inferred from them. */
export interface InlineHandlers<State> {
  readonly [name: string]: (context: Context<State>, args: never) => unknown;
}

type ArgsOf<F> = F extends (...parameters: infer P) => unknown ? (P['length'] extends 0 | 1 ? undefined : P[1]) : never;
/** What a function returns that returns nothing. */
type Nothing = ReturnType<() => void>;
/** Of each thing that a handler may return: what its caller is answered, and nothing for what is no answer. */
type Answered<R> = R extends Refusal | typeof LATER ? never : [R] extends [Nothing] ? null : R;
type ReplyOf<F> = F extends (...parameters: never) => infer R ? OrNull<RepliedBy<R>> : never;
type OrNull<R> = [R] extends [never] ? null : R;
type RepliedBy<R> = R extends AsyncGenerator<infer Item, infer _R, infer _N> | Generator<infer Item, infer _R, infer _N>
  ? Streamed<Item>
  : Answered<Awaited<R>>;

/** What may be said to actors with these handlers. */
export type MessagesOf<H> = {
  readonly [K in keyof H & string]: { readonly args: ArgsOf<H[K]>; readonly reply: ReplyOf<H[K]> };
};

export interface InlineDeclaration<State, H extends InlineHandlers<State>> extends Declaration<State, Messages> {
  /** Its name: the first part of the address of every actor of it. */
  readonly kind: string;
  readonly place?: (key: string) => string;
  readonly messages: H;
}

export interface ProtocolDeclaration<State, M extends Messages> extends Declaration<State, M> {
  readonly protocol: Protocol<M>;
  readonly messages: { readonly [K in keyof M & string]: Handler<State, M, K> };
}

/** A kind as the runtime takes it. */
export interface ActorKind<State, M extends Messages> {
  readonly protocol: Protocol<M>;
  readonly persistence?: Persistence;
  readonly stateVersion?: number;
  readonly tables: readonly string[];
  readonly counters?: readonly string[];
  readonly mailbox: MailboxBounds;
  readonly supervision?: Partial<Supervision>;
  readonly activationReads?: (key: string) => readonly Key[];
  /** Called on the first envelope, and again after a failure. */
  activate(context: ActivationContext): State;
  readonly reads?: { readonly [K in keyof M & string]?: ForeignReads<M[K]['args']> };
  residentBytes(state: State): number;
  isBlank?(state: State): boolean;
  mayPassivate?(state: State): boolean;
  readonly handlers: { readonly [K in keyof M & string]: Handler<State, M, K> };
}

/** What actor() makes: a kind, and the protocol of it. */
export interface Actor<State, M extends Messages> extends ActorKind<State, M>, Protocol<M> {}

/** Any kind, where its types no longer matter: the runtime decodes and dispatches by number. */
export type AnyKind = ActorKind<unknown, Messages>;

/** Forgets the types of a kind, to register it. Sound because only the runtime calls it, with what `activate` gave. */
export function anyKind<State, M extends Messages>(kind: ActorKind<State, M>): AnyKind {
  return kind as unknown as AnyKind;
}

export const MAILBOX_DEFAULT: MailboxBounds = { capacity: 1000, bytesMax: 4 * 1024 * 1024 };
/** What a state is counted with whose size nobody tells. */
const STATE_BYTES_DEFAULT = 64;
/** Where states of persistence `state` are kept: a table of the runtime's own. */
export const STATE_TABLE = 'actor_state';

/** Declares a kind of actors, from what may be said to it. */
export function actor<State, M extends Messages>(declaration: ProtocolDeclaration<State, M>): Actor<State, M>;
/** Declares a kind of actors; what may be said to it is inferred from its handlers. */
export function actor<State, H extends InlineHandlers<State>>(
  declaration: InlineDeclaration<State, H>,
): Actor<State, MessagesOf<H>>;
export function actor<State>(
  declaration: ProtocolDeclaration<State, Messages> | InlineDeclaration<State, InlineHandlers<State>>,
): Actor<State, Messages> {
  const handlers = declaration.messages as Actor<State, Messages>['handlers'];
  const said = 'protocol' in declaration ? declaration.protocol : inlineProtocol(declaration);
  const { persistence = 'none', state, version = 1, migrate, mailbox } = declaration;
  checkDeclaration(said.kind, declaration);
  return {
    ...said,
    protocol: said,
    persistence,
    stateVersion: version,
    tables: declaration.tables ?? [],
    counters: declaration.counters ?? [],
    mailbox: { ...MAILBOX_DEFAULT, ...mailbox },
    ...(declaration.supervision !== undefined && { supervision: declaration.supervision }),
    ...(declaration.activationReads !== undefined && { activationReads: declaration.activationReads }),
    ...(declaration.reads !== undefined && { reads: declaration.reads }),
    ...(declaration.isBlank !== undefined && { isBlank: declaration.isBlank }),
    mayPassivate: declaration.mayPassivate ?? (() => persistence !== 'none'),
    residentBytes: declaration.residentBytes ?? (() => STATE_BYTES_DEFAULT),
    activate: persistence === 'state' ? (context) => storedState(context, version, migrate, state) : state,
    handlers,
  };
}

function inlineProtocol<State>({
  kind,
  place,
  messages,
}: InlineDeclaration<State, InlineHandlers<State>>): Protocol<Messages> {
  return { kind, messages: Object.keys(messages), ...(place !== undefined && { place }) };
}

function checkDeclaration<State>(
  kind: string,
  declaration: Declaration<State, Messages> & { readonly messages: object },
): void {
  const { persistence = 'none', tables = [], counters = [], version = 1, state, messages } = declaration;
  if (kind === '' || kind.includes('/'))
    throw new TypeError(`The name of an actor kind is not empty and has no slash: "${kind}".`);
  if (persistence !== 'keys' && (tables.length > 0 || counters.length > 0)) {
    throw new TypeError(`The actor kind ${kind} declares tables or counters: these are for persistence 'keys'.`);
  }
  const unusable = Object.entries(messages).find(([, handler]) => typeof handler !== 'function');
  if (unusable !== undefined)
    throw new TypeError(`The message ${unusable[0]} of the actor kind ${kind} has no handler.`);
  if (typeof state !== 'function') throw new TypeError(`The actor kind ${kind} declares no state.`);
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new TypeError(`The state version of the actor kind ${kind} is a whole number from 1.`);
  }
}

function storedState<State>(
  context: ActivationContext,
  version: number,
  migrate: StateVersions<State>['migrate'],
  initial: (context: ActivationContext) => State,
): State {
  const row = context.store.get([STATE_TABLE, context.kind, context.key]) as readonly [number, unknown] | undefined;
  if (row === undefined) return initial(context);
  const [storedVersion, stored] = row;
  if (storedVersion === version) return stored as State;
  if (storedVersion > version || migrate === undefined) {
    const which = `of version ${storedVersion}, and this program knows ${version}`;
    throw new Error(
      `The state of ${context.kind}/${context.key} is ${which}${storedVersion > version ? '' : ', without a migration'}.`,
    );
  }
  return migrate(stored, storedVersion);
}
