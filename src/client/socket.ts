// Socket
//
// The part of the WebSocket of browsers that the client uses. The package `ws` and the WebSocket of newer Nodes have it too.

export interface ClientSocket {
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketClass = new (url: string, protocols: string[]) => ClientSocket;

/** Gives a socket that is still connecting. Rejects only where no later attempt could do better. */
export type OpenSocket = (url: string, protocol: string) => Promise<ClientSocket>;

/** What this environment brings itself, if anything. */
export function globalSocketClass(): SocketClass | undefined {
  return (globalThis as { readonly WebSocket?: SocketClass }).WebSocket;
}

export const nothing = (): void => undefined;

/** Lets go of a socket: nothing of it is heard any more. Without a listener for errors, `ws` would throw them. */
export function abandon(socket: ClientSocket, code: number): void {
  socket.onopen = nothing;
  socket.onmessage = nothing;
  socket.onclose = nothing;
  socket.onerror = nothing;
  socket.close(code);
}
