// The shape of every refusal.

import { errorTable } from '../errors.js';
import { type Static, Type } from './schema.js';

/** The `error` members that a client may meet, each once. */
export const WIRE_CODES: readonly string[] = [...new Set(Object.values(errorTable).map((entry) => entry.wire))];

export const ErrorAnswer = Type.Object({
  error: Type.String({ enum: [...WIRE_CODES], description: 'What kind of refusal this is; stable.' }),
  message: Type.String({ description: 'The same in words, for people; may change.' }),
  detail: Type.Optional(
    Type.String({
      description:
        'What a program may need to go on: `inbox_full`, the current etag of a conflict, or the `since` with which the event log begins.',
    }),
  ),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;
