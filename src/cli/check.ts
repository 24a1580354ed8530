// troupe check

import { resolve } from 'node:path';
import { auditTables } from '../audit/audit.js';
import { tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments } from './command.js';

export const check: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1);
  const config = configOf(given);
  const directory = given.positionals[0] ?? config.dataDir;
  const reader = openLmdbReader(tablesDirectory(directory));
  try {
    const report = auditTables(reader);
    for (const { table, key, problem } of report.findings) print(`${table} ${key}: ${problem}`);
    const rows = Object.entries(report.rows).map(([table, count]) => `${table} ${count}`);
    print(`checked ${resolve(directory)}: ${rows.length === 0 ? 'empty' : rows.join(', ')}`);
    print(report.findingsTotal === 0 ? 'nothing wrong found' : `${report.findingsTotal} problems found`);
    return report.findingsTotal === 0 ? 0 : 1;
  } finally {
    await reader.close();
  }
};
