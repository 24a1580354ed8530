// Admin routes
//
// The calls for the holder of the admin token.

import { ContentRemoved, RemoveContent } from './removal.js';
import type { Route } from './route.js';
import { CeilingList, Status, WorkerReplaced } from './server.js';

export const admin = {
  status: {
    method: 'GET',
    path: '/admin/status',
    auth: 'admin',
    limit: null,
    summary: 'What the server is doing.',
    status: 200,
    answer: Status,
    errors: [],
  },
  ceilings: {
    method: 'GET',
    path: '/admin/ceilings',
    auth: 'admin',
    limit: null,
    summary: 'How near each part of the server is to what it can bear, and what to do then.',
    status: 200,
    answer: CeilingList,
    errors: [],
  },
  replaceWorker: {
    method: 'POST',
    path: '/admin/workers/{n}/replace',
    auth: 'admin',
    limit: null,
    summary: 'Put a new worker in the place of one; its actors come back from the store.',
    status: 200,
    answer: WorkerReplaced,
    errors: ['NOT_FOUND', 'OVERLOADED'],
  },
  removeContent: {
    method: 'POST',
    path: '/admin/removals',
    auth: 'admin',
    limit: null,
    summary: 'Remove the content of a message, or the values of a key, from everywhere; once more answers the same.',
    body: RemoveContent,
    status: 200,
    answer: ContentRemoved,
    errors: ['NOT_FOUND', 'OVERLOADED', 'WORKER_LOST'],
  },
} as const satisfies Record<string, Route>;
