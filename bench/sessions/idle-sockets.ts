// Idle sockets
//
// Opens sockets, of a session each or bare, and keeps them open: pings are answered, nothing is said.
//
// IS1. They come from several addresses of loopback, so that there are ports for all.
// IS2. One that ends, or a frame after the welcome, fails the next order.

import { serveOrders } from '../harness/child.js';
import { forEachPlace, openSession, type Party } from './session-courier.js';
import { WireSocket } from './wire-socket.js';

export type IdleOrder =
  | { readonly kind: 'open'; readonly port: number; readonly parties: readonly Party[] }
  | { readonly kind: 'open bare'; readonly port: number; readonly count: number }
  | { readonly kind: 'close' };

/** Fewer than one address has ports for connections to another. */
const SOCKETS_PER_ADDRESS = 4_000;
/** 127.0.0.2 and on. */
const FIRST_ADDRESS = 2;

const sockets: WireSocket[] = [];
let problem: Error | undefined;

const handler = {
  frame(bytes: Buffer, start: number, end: number) {
    problem ??= new Error(`An idle socket was told ${bytes.toString('utf8', start, end)}`);
  },
  turn: () => undefined,
  failed(error: Error) {
    problem ??= error;
  },
};

async function open(count: number, one: (place: number, from: string) => Promise<WireSocket>): Promise<void> {
  const before = sockets.length;
  await forEachPlace(count, async (place) => {
    const from = `127.0.0.${FIRST_ADDRESS + Math.floor((before + place) / SOCKETS_PER_ADDRESS)}`;
    sockets.push(await one(place, from));
  });
}

/** How many are open. */
serveOrders<IdleOrder, number>(async (order) => {
  switch (order.kind) {
    case 'open': {
      const { port, parties } = order;
      await open(parties.length, async (place, from) => {
        return (await openSession({ port, party: parties[place]!, from }, handler)).wire;
      });
      break;
    }
    case 'open bare':
      await open(order.count, (_, from) => WireSocket.open({ port: order.port, path: '/idle', from }, handler));
      break;
    case 'close':
      for (const socket of sockets.splice(0)) socket.destroy();
      break;
    default:
      order satisfies never;
  }
  if (problem !== undefined) throw problem;
  return sockets.length;
});
