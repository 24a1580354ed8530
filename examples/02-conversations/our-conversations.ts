// Our conversations
//
// Three short ones, written for this example, for whoever has no larger set at hand.

import type { Conversation, Turn } from './conversations.js';

function conversation(id: string, speakers: readonly [string, string], lines: readonly string[]): Conversation {
  const turns: Turn[] = lines.map((text, place) => ({ speaker: speakers[place % 2]!, text }));
  return { id, speakers, turns };
}

export const ourConversations: readonly Conversation[] = [
  conversation(
    'greenhouse',
    ['Ines', 'Tomas'],
    [
      'The greenhouse reads 31 degrees and it is not even ten. Did the vents open?',
      'Two of three. The north one says it is open, but its current never rose.',
      'Then it is stuck. Can you try it once more before I walk over?',
      'Tried twice. Same answer: it says open, and nothing moves.',
      'I am there. A tendril grew through the hinge. Cut it. Again, please.',
      'Now it draws current. 29 degrees and falling.',
      'Good. Write it down: check the hinges every Monday.',
      'Written. Shall I also tell you when a vent says open but draws nothing?',
      'Yes, always. And water bed four, the basil looks tired.',
      'Bed four, six minutes, starting now. 🌿',
    ],
  ),
  conversation(
    'night train',
    ['Oksana', 'Bela'],
    [
      'Are we still taking the night train on the 14th?',
      'It left the timetable. There is one on the 15th, at 22:40, with two berths left.',
      'Take both. Lower ones if you can.',
      'One lower, one upper. I took them; the hold lasts twenty minutes.',
      'Confirm. And ask whether the bicycle may come.',
      'Confirmed. The bicycle may come, in a bag, for 12 euros.',
      'Fine. What does the weather say for the 16th?',
      'Rain until noon, then clearing. Bring the long coat.',
      'You know me. Remind me on the 15th at six in the evening.',
      'It is set: the 15th, 18:00, coat, bag, tickets.',
    ],
  ),
  conversation(
    'proofs',
    ['Hadiza', 'Rurik'],
    [
      'I finished chapter three. The second proof still bothers me.',
      'Where does it stop being clear?',
      'At the step from the finite case to the countable one. I assume a limit exists.',
      'It does, but you have to say why. Monotone and bounded would be enough.',
      'Bounded I have. Monotone only after throwing away the first term.',
      'Then throw it away and say so. Nobody minds a first term.',
      'Ha! True. Anything else in there?',
      'The index in the last line runs to n, it should run to n − 1.',
      'Fixed. Send me what you find in chapter four?',
      'Tonight. It is long, and I read slowly when it is good.',
    ],
  ),
];
