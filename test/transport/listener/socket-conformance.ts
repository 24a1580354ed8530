// The suite that WebSockets of every adapter pass. Each test names the rule of socket.ts that it holds.

import { describe } from 'node:test';
import { closingConformance } from './conformance-closing.js';
import { flowConformance } from './conformance-flow.js';
import { frameConformance } from './conformance-frames.js';
import { handshakeConformance } from './conformance-handshakes.js';
import { Stage, type Subject } from './listener-stage.js';

export function socketConformance(subject: Subject): void {
  describe(`the sockets of the ${subject.name} listener`, () => {
    const stage = new Stage(subject);
    handshakeConformance(subject, stage);
    frameConformance(subject, stage);
    closingConformance(subject, stage);
    flowConformance(subject, stage);
  });
}
