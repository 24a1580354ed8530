// Second set
//
// The conversations of this repository as one subject: other styles and languages than those that weights are chosen by.

import { type Conversation, merged, parseConversation } from './conversation.js';
import { OTHER_LANGUAGES } from './other-languages.js';
import { PARAPHRASES } from './paraphrases.js';
import { SUPPORT_TICKETS } from './support-tickets.js';
import { TOOL_TRACES } from './tool-traces.js';

export const SECOND_SET: Conversation = merged('second set', [
  parseConversation('tickets', SUPPORT_TICKETS),
  parseConversation('traces', TOOL_TRACES),
  parseConversation('languages', OTHER_LANGUAGES),
  parseConversation('paraphrases', PARAPHRASES),
]);
