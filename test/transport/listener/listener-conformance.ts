// The suite that every adapter of the listener port passes. Each test names the rule of listener.ts that it holds.

import { describe } from 'node:test';
import { bodyConformance } from './conformance-bodies.js';
import { connectionConformance } from './conformance-connections.js';
import { headConformance } from './conformance-heads.js';
import { openConformance } from './conformance-open.js';
import { orderConformance } from './conformance-order.js';
import { Stage, type Subject } from './listener-stage.js';

export function listenerConformance(subject: Subject): void {
  describe(`the ${subject.name} listener`, () => {
    const stage = new Stage(subject);
    headConformance(subject, stage);
    bodyConformance(subject, stage);
    orderConformance(subject, stage);
    connectionConformance(subject, stage);
    openConformance(subject, stage);
  });
}
