// Sessions through whatever happens: a network that cuts, stalls and delays them, kills -9 and workers that are replaced.
//
//   CHAOS_FULL=1 npm run test:crash -- session-chaos      200 agents, 200,000 messages, 20 kills, 10 replacements, on each listener
//   CHAOS_SEED=7 …                                        the fates of the connections and the manners of an earlier run
//   CHAOS_AGENTS, CHAOS_MESSAGES, CHAOS_KILLS, CHAOS_REPLACEMENTS, CHAOS_LISTENERS=uws,node      each by itself

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LISTENERS } from '../server/on-both-listeners.js';
import { mainFile } from '../server/troupe-command.js';
import { runChaos } from './session-chaos.js';

const isFull = process.env.CHAOS_FULL !== undefined;
const agents = numberFrom('CHAOS_AGENTS', isFull ? 200 : 40);
const messages = numberFrom('CHAOS_MESSAGES', isFull ? 200_000 : 4_000);
const kills = numberFrom('CHAOS_KILLS', isFull ? 20 : 2);
const replacements = numberFrom('CHAOS_REPLACEMENTS', isFull ? 10 : 1);
const sdkOfTen = numberFrom('CHAOS_SDK_OF_TEN', 5);
const seed = numberFrom('CHAOS_SEED', Date.now() % 1_000_000);
const listeners = process.env.CHAOS_LISTENERS?.split(',');
/** Findings printed of a run; there may be thousands. */
const FINDINGS_SHOWN = 20;

for (const listener of LISTENERS) {
  if (listeners !== undefined && !listeners.includes(listener)) continue;
  test(`${messages} messages of ${agents} agents arrive once, in order, through ${kills} kills (${listener})`, async () => {
    console.log(`seed ${seed} (${listener})`);
    const say = (line: string): void => console.log(line);
    const options = { mainFile, seed, agents, messages, kills, replacements, listener, sdkOfTen, say };
    const result = await runChaos(options);
    const { findings, ...figures } = result;
    console.log(`seed ${seed} (${listener}): ${JSON.stringify(figures)}`);
    const shown = findings.slice(0, FINDINGS_SHOWN).map(({ kind, text }) => `${kind}: ${text}`);
    assert.equal(findings.length, 0, `${findings.length} findings, seed ${seed}:\n${shown.join('\n')}`);
    assert.deepEqual([figures.acknowledged, figures.arrived], [messages, messages]);
    assert.deepEqual([figures.kills, figures.replacements], [kills, replacements]);
    assert.ok(figures.proxy.cut > 0 && figures.proxy.overtook > 0, 'the network did no harm');
  });
}

function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  return text === undefined ? fallback : Number(text);
}
