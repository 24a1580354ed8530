// Session frames
//
// What an agent and the server say to each other over `GET /v1/session`: one object per frame, as JSON text
// (`troupe.v1.json`) or as MessagePack (`troupe.v1.msgpack`).
//
// Members that are not described are ignored, so that either side may be the older one.

import { redacted } from './redacted.js';
import { type Static, Type } from './schema.js';

export const SESSION_PATH = '/v1/session';
export const SUBPROTOCOL_JSON = 'troupe.v1.json';
export const SUBPROTOCOL_MSGPACK = 'troupe.v1.msgpack';

/** Of one frame, either way, its fragments joined. */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024;
/** Until the token is there. */
export const AUTH_TIMEOUT_MS = 5_000;
/** Until `hello` is there, from the token on. */
export const HELLO_TIMEOUT_MS = 10_000;
/** Messages that may be pushed and not acknowledged. */
export const WINDOW_MAX = 1024;
export const WINDOW_DEFAULT = 64;
/** Prefixes that one session may watch at once. */
export const WATCHES_MAX = 64;
/** Frames of one session that wait for an answer. */
export const REQUESTS_IN_FLIGHT_MAX = 256;
/** UTF-16 units of an id. */
export const FRAME_ID_CHARS_MAX = 128;

export const CLOSE = {
  badFrame: 4000,
  replaced: 4001,
  unauthorized: 4003,
  retired: 4004,
  draining: 4009,
  tooMany: 4029,
} as const;
export type CloseReason = keyof typeof CLOSE;

const FrameId = Type.Union([Type.String({ minLength: 1, maxLength: FRAME_ID_CHARS_MAX }), Type.Integer()], {
  description: 'Chosen by the client; the answer carries it.',
});
export type FrameId = Static<typeof FrameId>;

const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const IfMatch = Type.String({
  description: 'Only if this is the current etag (no quotes), or, with `*`, if there is a value.',
});

export const AuthFrame = Type.Object({ type: Type.Literal('auth'), token: Type.String() });

export const HelloFrame = Type.Object({
  type: Type.Literal('hello'),
  last_seq: Type.Optional(Seq),
  epoch: Type.Optional(Type.String()),
  window: Type.Optional(Type.Integer({ minimum: 1, maximum: WINDOW_MAX })),
});

export const SendFrame = Type.Object({
  type: Type.Literal('send'),
  id: FrameId,
  to: Type.String(),
  content: Type.String({ minLength: 1 }),
  idempotency_key: Type.Optional(Type.String()),
});

export const AckFrame = Type.Object({ type: Type.Literal('ack'), seq: Seq });

export const GetStateFrame = Type.Object({ type: Type.Literal('state.get'), id: FrameId, key: Type.String() });

export const PutStateFrame = Type.Object({
  type: Type.Literal('state.put'),
  id: FrameId,
  key: Type.String(),
  value: Type.String(),
  if_match: Type.Optional(IfMatch),
  if_none_match: Type.Optional(Type.Literal('*', { description: 'Only if there is no value yet.' })),
});

export const DeleteStateFrame = Type.Object({
  type: Type.Literal('state.delete'),
  id: FrameId,
  key: Type.String(),
  if_match: Type.Optional(IfMatch),
});

const page = { cursor: Type.Optional(Type.String()), limit: Type.Optional(Type.Integer()) };

export const ListStateFrame = Type.Object({
  type: Type.Literal('state.list'),
  id: FrameId,
  prefix: Type.Optional(Type.String()),
  ...page,
});

export const RegistryFrame = Type.Object({ type: Type.Literal('registry'), id: FrameId, ...page });

export const WatchFrame = Type.Object({ type: Type.Literal('watch'), id: FrameId, prefix: Type.String() });

/** `id` is that of the watch. */
export const UnwatchFrame = Type.Object({ type: Type.Literal('unwatch'), id: FrameId });

export const PingFrame = Type.Object({ type: Type.Literal('ping'), id: FrameId });

/** Everything that an agent may say, by its `type`. */
export const agentFrames = {
  auth: AuthFrame,
  hello: HelloFrame,
  send: SendFrame,
  ack: AckFrame,
  'state.get': GetStateFrame,
  'state.put': PutStateFrame,
  'state.delete': DeleteStateFrame,
  'state.list': ListStateFrame,
  registry: RegistryFrame,
  watch: WatchFrame,
  unwatch: UnwatchFrame,
  ping: PingFrame,
} as const;

export type AgentFrameType = keyof typeof agentFrames;
export type AgentFrameOf<T extends AgentFrameType> = Static<(typeof agentFrames)[T]>;
export type AgentFrame = { [T in AgentFrameType]: AgentFrameOf<T> }[AgentFrameType];

export const SessionLimits = Type.Object({
  frame_bytes_max: Type.Integer(),
  content_bytes_max: Type.Integer(),
  value_bytes_max: Type.Integer(),
  key_bytes_max: Type.Integer(),
  window_max: Type.Integer(),
  watches_max: Type.Integer(),
  requests_in_flight_max: Type.Integer(),
});
export type SessionLimits = Static<typeof SessionLimits>;

/** `next_seq` is the lowest that can be pushed in this session; `window` what hello asked for, or the default. */
export const WelcomeFrame = Type.Object({
  type: Type.Literal('welcome'),
  session_id: Type.String(),
  agent: Type.String(),
  epoch: Type.String(),
  resumed: Type.Boolean(),
  next_seq: Seq,
  window: Type.Integer(),
  heartbeat_ms: Type.Integer(),
  limits: SessionLimits,
});
export type WelcomeFrame = Static<typeof WelcomeFrame>;

export const MessageFrame = Type.Object({
  type: Type.Literal('message'),
  seq: Seq,
  message_id: Type.String(),
  from: Type.String(),
  content: Type.String(),
  timestamp: Type.String({ format: 'date-time' }),
  redelivered: Type.Boolean({ description: 'It may have been pushed before.' }),
  redacted,
});
export type MessageFrame = Static<typeof MessageFrame>;

export const ChangeFrame = Type.Object({
  type: Type.Literal('change'),
  key: Type.String(),
  etag: Type.Union([Type.String(), Type.Null()], { description: 'Null for a key that was deleted.' }),
  deleted: Type.Boolean(),
  by: Type.String(),
  at: Type.String({ format: 'date-time' }),
});
export type ChangeFrame = Static<typeof ChangeFrame>;

/** Of `send`: message_id, timestamp. Of `state.*` and `registry`: the members of the HTTP answer, and `etag`. */
export const OkFrame = Type.Object({ type: Type.Literal('ok'), id: FrameId });
export type OkFrame = Static<typeof OkFrame> & Readonly<Record<string, unknown>>;

/**
 * With `id`: the answer to that frame, or, with `watch_ended`, the end of the watch of that id: changes may have been
 * missed, list and watch again. Without: why the session is being closed.
 */
export const ErrorFrame = Type.Object({
  type: Type.Literal('error'),
  id: Type.Optional(FrameId),
  error: Type.String(),
  message: Type.String(),
  detail: Type.Optional(Type.String()),
  retry_after_ms: Type.Optional(Type.Integer()),
  watch_ended: Type.Optional(Type.Literal(true)),
});
export type ErrorFrame = Static<typeof ErrorFrame>;

export const PongFrame = Type.Object({ type: Type.Literal('pong'), id: FrameId });
export type PongFrame = Static<typeof PongFrame>;

export const DrainingFrame = Type.Object({ type: Type.Literal('draining'), resume_after_ms: Type.Integer() });
export type DrainingFrame = Static<typeof DrainingFrame>;

export type ServerFrame = WelcomeFrame | MessageFrame | ChangeFrame | OkFrame | ErrorFrame | PongFrame | DrainingFrame;
