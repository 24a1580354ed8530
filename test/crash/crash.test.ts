// The test of the promise (G7): conversations on a real server that is killed again and again.
//
//   CRASH_KILLS=1000 npm run test:crash      the long form: as many plays of 24 kills as that takes, half of them over a busy journal
//   CRASH_SEED=7 npm run test:crash          the casting and the waits of an earlier run

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConversations } from '../../examples/02-conversations/conversations.js';
import { type PlayResult, play } from '../../examples/02-conversations/play.js';

const KILLS_DEFAULT = 48;
/** Each play has a directory of its own; a longer one would hold too much of what it saw in memory. */
const KILLS_PER_PLAY = 24;
const ACKNOWLEDGED_PER_LIFE = 10;
const PLAYS_MAX = 4;
/** Findings printed of a play; there may be thousands. */
const FINDINGS_SHOWN = 20;

const kills = Number(process.env.CRASH_KILLS ?? KILLS_DEFAULT);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const mainFile = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.js');

/** Small segments that are used again all the time, and tables that are brought up all the time. */
const BUSY_JOURNAL = { 'journal.segment_bytes': 65_536, 'journal.apply_after_ms': 5 } as const;

interface Manner {
  readonly replacementsPerLife: number;
  readonly busyJournal: boolean;
}

async function playAndReport(playKills: number, playSeed: number, manner: Manner): Promise<PlayResult> {
  const { replacementsPerLife, busyJournal } = manner;
  const how = busyJournal ? ', half of them at starts, over a busy journal' : '';
  console.log(`seed ${playSeed}: ${playKills} kills${how}, ${replacementsPerLife} replacements between two`);
  const result = await play({
    mainFile,
    conversations: loadConversations(),
    seed: playSeed,
    kills: playKills,
    clientProcesses: 2,
    replacementsPerLife,
    killWhileStarting: busyJournal,
    ...(busyJournal && { settings: BUSY_JOURNAL }),
    keepData: true,
    say: (line) => console.log(line),
  });
  console.log(
    `seed ${playSeed}: ${result.acknowledged} messages acknowledged, ${result.unknown} unknown, ` +
      `${result.writes} writes, ${result.replacements} workers replaced, ` +
      `ready again after ${Math.round(result.restartMsMedian)} ms (at most ${Math.round(result.restartMsMax)})`,
  );
  return result;
}

function assertClean(result: PlayResult): void {
  const shown = result.findings.slice(0, FINDINGS_SHOWN).map(({ kind, text }) => `${kind}: ${text}`);
  assert.equal(result.findings.length, 0, `${result.findings.length} findings:\n${shown.join('\n')}`);
}

/** Every play must be clean, and one in which little was at stake, as on a busy machine, proves little: it is played again. */
async function playClean(playKills: number, playSeed: number, manner: Manner): Promise<PlayResult> {
  // A kill that strikes at a start ends no life in which anything was said.
  const lives = manner.busyJournal ? playKills / 2 : playKills;
  for (let plays = 1; ; plays++) {
    const result = await playAndReport(playKills, playSeed, manner);
    assertClean(result);
    if (result.acknowledged > lives * ACKNOWLEDGED_PER_LIFE) return result;
    assert.ok(plays < PLAYS_MAX, `only ${result.acknowledged} messages were acknowledged`);
  }
}

test(`all that was acknowledged is there, once and in order, after ${kills} kills (G3, G5, G6, G7)`, async () => {
  for (let done = 0; done < kills; done += KILLS_PER_PLAY) {
    const manner = { replacementsPerLife: 0, busyJournal: (done / KILLS_PER_PLAY) % 2 === 1 };
    await playClean(Math.min(KILLS_PER_PLAY, kills - done), seed + done, manner);
  }
});

test('the same while workers are replaced under load (G1)', async () => {
  const result = await playClean(4, seed + kills, { replacementsPerLife: 4, busyJournal: false });
  assert.ok(result.replacements >= 16, `only ${result.replacements} workers were replaced`);
});
