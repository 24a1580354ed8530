// The client for browsers, and for any other environment with a WebSocket and fetch of its own. It imports nothing else.

import { connectWith } from './connect.js';
import { globalSocketClass } from './socket.js';

export type { AgentSession, ConnectOptions, RegisteredAgent, SendOptions, Sent } from './agent-session.js';
export type { Status } from './connection.js';
export type { AgentCalls, HttpDeleteOptions, HttpPageOptions, HttpPutOptions, TakeOptions } from './http-agent.js';
export type { HttpOptions, KeyedOptions } from './http-call.js';
export { type AdminCalls, HttpClient, type OperatorCalls } from './http-client.js';
export type { Position } from './inbox.js';
export type { Message, MessagesOptions } from './messages.js';
export type { CallOptions } from './retrying.js';
export type {
  DeleteOptions,
  KeysPage,
  PageOptions,
  PutOptions,
  SharedState,
  StateEntry,
  StateRemoved,
  StateWritten,
} from './shared-state.js';
export { type ClientCode, TroupeError, type TroupeErrorCode, type WireCode } from './troupe-error.js';
export type { WatchEvent } from './watches.js';

/** Opens a session, and keeps it open (connect.ts). */
export const connect = connectWith(async (url, protocol) => {
  const SocketOfPage = globalSocketClass();
  if (SocketOfPage === undefined) throw new Error('There is no WebSocket here.');
  return new SocketOfPage(url, [protocol]);
});
