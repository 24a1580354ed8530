// Public messages of operators: who they are, the challenge, and the agents that they own.

import { type Static, Type } from './schema.js';

/** `contact_hash` is a digest that an operator can later prove to be of its own contact; longer ones are no digest. */
export const CONTACT_HASH_BYTES_MAX = 256;
/** No answer to a challenge is near this long: the pipeline's text grows to a few kilobytes. */
export const RESPONSE_BYTES_MAX = 65_536;
export const CHALLENGE_ID_BYTES_MAX = 64;

export const CreateOperator = Type.Object({
  contact_hash: Type.String({ minLength: 1, description: `1 to ${CONTACT_HASH_BYTES_MAX} bytes of UTF-8.` }),
});
export type CreateOperator = Static<typeof CreateOperator>;

export const OperatorCreated = Type.Object({
  operator_id: Type.String({ format: 'uuid' }),
  api_key: Type.String({ description: 'Shown this once: `sk_live_` and 64 hex digits.' }),
});
export type OperatorCreated = Static<typeof OperatorCreated>;

export const Challenge = Type.Object({
  challenge_id: Type.String({ format: 'uuid' }),
  challenge_type: Type.Union([Type.Literal('pipeline'), Type.Literal('proof_of_work'), Type.Literal('none')]),
  challenge_data: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'pipeline: `{seed, operations:[{op}]}`; proof_of_work: the prefix and the leading zero bits asked for.',
  }),
  expires_at: Type.String({ format: 'date-time' }),
});
export type Challenge = Static<typeof Challenge>;

export const WEBHOOK_URL_BYTES_MAX = 2_048;

/** Absent, null, or a text: what is wrong with a text is said in words. */
const WebhookUrl = Type.Union([Type.String(), Type.Null()], {
  description: `An https URL of at most ${WEBHOOK_URL_BYTES_MAX} bytes, at a public address: messages are pushed there (docs/webhooks.md).`,
});

const WebhookSecret = Type.String({
  description: 'Shown this once: `whsec_` and base64. It signs what is pushed.',
});

export const RegisterAgent = Type.Object({
  verification_response: Type.Object({
    challenge_id: Type.String(),
    response: Type.String({ description: 'What the challenge asked for, as text.' }),
  }),
  webhook_url: Type.Optional(WebhookUrl),
});
export type RegisterAgent = Static<typeof RegisterAgent>;

export const AgentRegistered = Type.Object({
  agent_address: Type.String(),
  agent_token: Type.String({ description: 'Shown this once: `at_live_` and 64 hex digits.' }),
  webhook_secret: Type.Optional(WebhookSecret),
});
export type AgentRegistered = Static<typeof AgentRegistered>;

export const TokenRotated = Type.Omit(AgentRegistered, ['webhook_secret']);
export type TokenRotated = Static<typeof TokenRotated>;

export const AgentRetired = Type.Object({
  address: Type.String(),
  retired: Type.Literal(true),
});
export type AgentRetired = Static<typeof AgentRetired>;

export const SetWebhook = Type.Object({ webhook_url: WebhookUrl });
export type SetWebhook = Static<typeof SetWebhook>;

export const WebhookSet = Type.Object({
  agent_address: Type.String(),
  webhook_url: Type.Union([Type.String(), Type.Null()]),
  webhook_secret: Type.Optional(WebhookSecret),
});
export type WebhookSet = Static<typeof WebhookSet>;
