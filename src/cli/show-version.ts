// troupe version

import { version } from '../version.js';
import { type Command, print, readArguments } from './command.js';

export const showVersion: Command = async (args) => {
  readArguments(args, []);
  print(version);
  return 0;
};
