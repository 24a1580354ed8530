// The public library: a server inside another program. The runtime itself becomes part of it when its API is settled.

export { type Config, ConfigError, type ConfigSources, loadConfig } from './config.js';
export { createLog, type Log, type LogLevel, type LogOptions } from './log.js';
export { type Server, type ServerOptions, startServer } from './server.js';
export { version } from './version.js';
