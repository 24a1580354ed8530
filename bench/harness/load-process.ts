// The load generator's process: runs each plan that it is sent.

import { serveOrders } from './child.js';
import { type LoadPlan, type LoadResult, runLoad } from './load-client.js';

serveOrders<LoadPlan, LoadResult>(runLoad);
