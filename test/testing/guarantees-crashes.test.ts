// Crashes, bounds and failures. The other half runs beside it (guarantees-turns.test.ts).

import { holdUnderAnySchedule } from './any-schedule.js';

holdUnderAnySchedule(['G6', 'G7', 'G8', 'G9', 'G10']);
