// Node socket
//
// The WebSocket of this Node where it has one (from 22 on), that of the package `ws` where it has none. In a file of its own,
// because pages must not load it.

import { type ClientSocket, globalSocketClass, type OpenSocket, type SocketClass } from './socket.js';

/** Loaded once, when it is needed. */
async function socketClass(): Promise<SocketClass> {
  const own = globalSocketClass();
  if (own !== undefined) return own;
  const { WebSocket } = await import('ws');
  return WebSocket as unknown as SocketClass;
}

export const openNodeSocket: OpenSocket = async (url, protocol): Promise<ClientSocket> => {
  const SocketOfNode = await socketClass();
  return new SocketOfNode(url, [protocol]);
};
