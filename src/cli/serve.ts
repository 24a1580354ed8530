// troupe serve

import { createLog } from '../log.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments } from './command.js';

/** How long after its own time limit a stopping server is cut off, should even that not hold. */
const STOP_GRACE_MS = 5_000;

export const serve: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS);
  const config = configOf(given);
  const log = createLog({ level: config.log.level });
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  // Loading it takes longer than all before: a wrong config is told sooner, and a signal is heard meanwhile.
  const { startServer } = await import('../server.js');
  const server = await startServer({
    config,
    log,
    onFatal(error) {
      log.error({ event: 'fatal', message: 'the journal ended: nothing can be made durable any more', error });
      log.flush();
      process.exit(1);
    },
  });
  print(`troupe is listening on ${server.url}`);
  print(`data directory ${server.dataDirectory}`);
  if (server.adminToken !== undefined) {
    print(`admin token ${server.adminToken}`);
    print('It is shown only this once: keep it.');
  }
  log.info({ event: 'started', url: server.url, listener: server.adapter, workers: server.workers });

  const signal = await stopAsked;
  log.info({ event: 'stopping', signal });
  const cut = setTimeout(() => {
    log.error({ event: 'stop_cut_off' });
    log.flush();
    process.exit(1);
  }, config.shutdownTimeoutMs + STOP_GRACE_MS);
  await server.stop();
  clearTimeout(cut);
  return 0;
};
