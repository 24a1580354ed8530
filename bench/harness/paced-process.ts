// A process that runs each paced plan that it is sent.

import { serveOrders } from './child.js';
import { type PacedPlan, type PacedResult, runPaced } from './paced-load.js';

serveOrders<PacedPlan, PacedResult>(runPaced);
