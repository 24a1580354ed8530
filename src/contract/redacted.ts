// The mark of what an admin removed, in every message that could have shown it.

import { Type } from './schema.js';

export const redacted = Type.Optional(
  Type.Literal(true, { description: 'An admin removed what stood here: see GET /observe/transparency.' }),
);
