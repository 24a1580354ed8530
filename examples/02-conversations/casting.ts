// Casting
//
// Who speaks to whom: every speaker of every conversation becomes an agent, says its own lines to the others of its
// conversation, and passes them on to a speaker of the next one, so that inboxes have several senders.

import type { Conversation } from './conversations.js';
import type { Random } from './random.js';
import type { Lane, Role } from './speaker.js';
import type { Identity } from './troupe-api.js';

export interface Casting {
  readonly roles: readonly Role[];
  /** The keys that hold a shared number. */
  readonly numberKeys: ReadonlySet<string>;
}

const OWN_KEYS = 4;
const SEED_MAX = 2 ** 31;

/** `identities`: one for each speaker, in the order of the conversations. Every other agent reads by lease. */
export function castRoles(
  conversations: readonly Conversation[],
  identities: readonly Identity[],
  random: Random,
): Casting {
  const speakers = conversations.flatMap((conversation) =>
    conversation.speakers.map((name) => ({ conversation, name })),
  );
  const addressOf = (place: number): string => identities[place % identities.length]!.address;
  const numberKeys = new Set(conversations.map(({ id }) => `sum/${id}`));
  const roles = speakers.map(({ conversation, name }, place): Role => {
    const identity = identities[place]!;
    const lines = conversation.turns.filter(({ speaker }) => speaker === name).map(({ text }) => text);
    const partners = speakers.flatMap((other, index) =>
      other.conversation === conversation && other.name !== name ? [addressOf(index)] : [],
    );
    const passedOnTo = addressOf(place + conversation.speakers.length);
    const recipients = new Set([...partners, passedOnTo]);
    recipients.delete(identity.address);
    return {
      identity,
      lanes: [...recipients].map((to): Lane => ({ to, lines })),
      ownKeys: Array.from({ length: OWN_KEYS }, (_, index) => `notes/${identity.address}/${index} ✎`),
      sharedKey: `board/${conversation.id}`,
      sharedNumber: `sum/${conversation.id}`,
      inbox: place % 2 === 0 ? 'lease' : 'consume',
      seed: random.between(1, SEED_MAX),
    };
  });
  return { roles, numberKeys };
}
