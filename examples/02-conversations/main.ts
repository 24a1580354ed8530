// Conversations
//
// Real conversations between agents, on a server that is killed again and again. Nothing acknowledged may be lost.
//
//   npm run build && node dist/examples/02-conversations/main.js [kills] [seed]
//
// CONVERSATIONS_DIR may name another folder of conversations: `*.json`, each {id, speakers, turns: [{speaker, text}]}.

import { join } from 'node:path';
import { loadConversations } from './conversations.js';
import { play } from './play.js';

const KILLS_DEFAULT = 10;

const kills = Number(process.argv[2] ?? KILLS_DEFAULT);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const conversations = loadConversations();
const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

console.log(`${conversations.length} conversations, ${kills} kills, seed ${seed}`);
const result = await play({
  mainFile,
  conversations,
  seed,
  kills,
  clientProcesses: 2,
  replacementsPerLife: 0,
  keepData: true,
  say: (line) => console.log(line),
});
console.log(`${result.acknowledged} messages acknowledged, ${result.unknown} unknown, ${result.writes} writes`);
for (const finding of result.findings.slice(0, 20)) console.log(`${finding.kind}: ${finding.text}`);
console.log(
  result.findings.length === 0 ? 'Every promise was kept.' : `${result.findings.length} promises were broken.`,
);
process.exitCode = result.findings.length === 0 ? 0 : 1;
