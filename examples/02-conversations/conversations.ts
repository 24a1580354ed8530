// Conversations
//
// What the agents say to each other: real conversations where a folder of them is at hand, our own where not.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ourConversations } from './our-conversations.js';

export interface Turn {
  readonly speaker: string;
  readonly text: string;
}

export interface Conversation {
  readonly id: string;
  readonly speakers: readonly string[];
  readonly turns: readonly Turn[];
}

/**
 * Reads every `*.json` of the folder named by CONVERSATIONS_DIR, or of `../shared/data/locomo` beside the repository.
 * Our own conversations when neither is there. Throws when CONVERSATIONS_DIR names a folder without any.
 */
export function loadConversations(): readonly Conversation[] {
  const named = process.env.CONVERSATIONS_DIR;
  const folder = named ?? join(repositoryRoot(), '..', 'shared', 'data', 'locomo');
  if (!existsSync(folder)) {
    if (named !== undefined) throw new Error(`CONVERSATIONS_DIR names ${named}, which is not there`);
    return ourConversations;
  }
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  if (files.length === 0) throw new Error(`There are no conversations in ${folder}`);
  return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Conversation);
}

/** The nearest folder above this file that holds a package.json. */
export function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('This example must stay inside its repository');
    folder = parent;
  }
  return folder;
}
