import { describe, it } from 'node:test';
import { loadUws, openUwsListener } from '../../../src/transport/listener/uws-listener.js';
import { listenerConformance } from './listener-conformance.js';
import type { Subject } from './listener-stage.js';
import { socketConformance } from './socket-conformance.js';

/** Its absence is an ordinary condition of the product, and so of its tests: open-listener.test.ts covers it. */
const loads = await loadUws().then(
  () => true,
  () => false,
);

if (loads) {
  const subject: Subject = { name: 'uws', open: openUwsListener };
  listenerConformance(subject);
  socketConformance(subject);
} else {
  describe('the uws listener', () => {
    it('is not tested: uWebSockets.js has no build for this system', () => undefined);
  });
}
