// A collector of traces that takes everything and looks at nothing: what an endpoint costs at the least.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveOrders } from '../harness/child.js';

const server = createServer((request, response) => {
  request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
});

serveOrders<object, { readonly endpoint: string }>(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
