// The public library: the runtime, to build actors of one's own; and the server, inside another program.

export { type Config, ConfigError, type ConfigSources, loadConfig } from './config.js';
export { CodedError } from './errors.js';
export { createLog, type Log, type LogOptions } from './log.js';
export {
  type Actor,
  actor,
  type Context,
  LATER,
  type Messages,
  type Protocol,
  protocol,
  refuse,
  type Streamed,
} from './runtime/actor.js';
export type { ActorRef } from './runtime/actor-ref.js';
export { type ActorSystem, createSystem, type SystemOptions } from './runtime/actor-system.js';
export { type Server, type ServerOptions, startServer } from './server.js';
export { version } from './version.js';
