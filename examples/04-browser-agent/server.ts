// The page of this example, and the client as it was built: browsers load its modules as they are, without a bundler.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const port = Number(process.env.PORT ?? 8081);
const page = 'examples/04-browser-agent/index.html';
const client = new URL('.', import.meta.resolve('troupe/client'));

createServer(async ({ url = '/' }, response) => {
  // A name without slashes: nothing else of this machine can be asked for.
  const script = /^\/client\/([a-z-]+\.js)$/.exec(url)?.[1];
  try {
    if (url !== '/' && script === undefined) throw new Error('there is no such page');
    const text = await readFile(script === undefined ? page : fileURLToPath(new URL(script, client)));
    response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript').end(text);
  } catch (error) {
    response.writeHead(404).end(error instanceof Error ? error.message : 'not found');
  }
}).listen(port, '127.0.0.1', function listening(this: { address(): unknown }) {
  console.log(`http://127.0.0.1:${(this.address() as { port: number }).port}`);
});
