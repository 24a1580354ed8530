// Turns and messages. The other half runs beside it (guarantees-crashes.test.ts).

import { holdUnderAnySchedule } from './any-schedule.js';

holdUnderAnySchedule(['G1', 'G2', 'G3', 'G4', 'G5']);
