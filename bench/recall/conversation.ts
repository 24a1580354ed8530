// Conversation
//
// What recall is measured on: turns in sessions, and questions with the turns that answer them.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface Turn {
  readonly id: string;
  readonly session: string;
  readonly at: number;
  readonly speaker: string;
  readonly text: string;
}

export interface Question {
  readonly question: string;
  readonly category: string;
  /** Ids of turns, at least one. */
  readonly evidence: readonly string[];
}

export interface Conversation {
  readonly id: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
}

/** Beside the repository, since its licence keeps it out of it; `LOCOMO_DIRECTORY` says another place. */
const LOCOMO_DIRECTORY = '../shared/data/locomo';

interface LocomoFile {
  readonly id: string;
  readonly turns: readonly { id: string; session: number; date: string; speaker: string; text: string }[];
  readonly questions: readonly Question[];
}

export function locomoDirectory(): string {
  let root = import.meta.dirname;
  while (!existsSync(join(root, 'package.json'))) root = dirname(root);
  return resolve(root, process.env.LOCOMO_DIRECTORY ?? LOCOMO_DIRECTORY);
}

/** None when the folder is not there. Its adversarial questions, which have no evidence, are left out by whoever made it. */
export function readLocomo(directory: string): readonly Conversation[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { id, turns, questions } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as LocomoFile;
      return checked({
        id,
        turns: turns.map((turn) => ({ ...turn, session: `session-${turn.session}`, at: Date.parse(turn.date) })),
        questions,
      });
    });
}

/**
 * A conversation as text: `# session time`, then a line for each turn, `number speaker: text` with `\n` for a line break;
 * behind all, `? category | question | numbers of the turns that answer it`.
 */
export function parseConversation(id: string, text: string): Conversation {
  const turns: Turn[] = [];
  const questions: Question[] = [];
  let session = '';
  let startedAt = 0;
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const heading = /^# (\S+) (\S+)$/.exec(line);
    const question = /^\? (\S+) \| (.+) \| ([\d ]+)$/.exec(line);
    const turn = /^(\d+) ([^:：]+): (.+)$/u.exec(line);
    if (heading !== null) {
      session = heading[1]!;
      startedAt = Date.parse(`${heading[2]}:00Z`);
    } else if (question !== null) {
      questions.push({ category: question[1]!, question: question[2]!, evidence: question[3]!.trim().split(/\s+/) });
    } else if (turn !== null) {
      const [, number, speaker, said] = turn;
      turns.push({ id: number!, session, at: startedAt, speaker: speaker!, text: said!.replaceAll('\\n', '\n') });
    } else {
      throw new Error(`${id}: a line is neither a session, a turn nor a question: ${line}`);
    }
  }
  return checked({ id, turns, questions });
}

/** One subject of many conversations: whoever asks one of them a question has the others in the way. */
export function merged(id: string, conversations: readonly Conversation[]): Conversation {
  return {
    id,
    turns: conversations.flatMap((each) =>
      each.turns.map((turn) => ({ ...turn, id: `${each.id}/${turn.id}`, session: `${each.id}/${turn.session}` })),
    ),
    questions: conversations.flatMap((each) =>
      each.questions.map((question) => {
        return { ...question, evidence: question.evidence.map((turn) => `${each.id}/${turn}`) };
      }),
    ),
  };
}

function checked(conversation: Conversation): Conversation {
  const turns = new Set(conversation.turns.map(({ id }) => id));
  for (const { question, evidence } of conversation.questions) {
    if (evidence.length === 0 || !evidence.every((turn) => turns.has(turn))) {
      throw new Error(`${conversation.id}: the evidence of a question is not there: ${question}`);
    }
  }
  return conversation;
}
