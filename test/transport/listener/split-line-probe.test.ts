import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takesSplitLine } from '../../../src/transport/listener/split-line-probe.js';
import { loadUws, openUwsListener } from '../../../src/transport/listener/uws-listener.js';
import { echoHead, Stage } from './listener-stage.js';

/** Without the library there is nothing to try. */
const loads = await loadUws().then(
  () => true,
  () => false,
);

describe('the split line probe', () => {
  const stage = new Stage({ name: 'uws', open: openUwsListener });

  if (loads) {
    it('says what the real listener does with a request line in two pieces, every time', async () => {
      const { connect } = await stage.listen(echoHead);
      const client = await connect();
      await client.send('GET /a').flushed();
      // Answered by another connection afterwards: the first piece was read by then.
      const other = await connect();
      await other.send('GET /other HTTP/1.1\r\nHost: x\r\n\r\n').answer();
      const { status } = await client.send('bc HTTP/1.1\r\nHost: x\r\n\r\n').answer();
      const said = await Promise.all(Array.from({ length: 20 }, () => takesSplitLine()));
      assert.deepEqual(new Set(said), new Set([status === 200]));
    });
  } else {
    it('rejects where the library does not load', async () => {
      await assert.rejects(takesSplitLine());
    });
  }
});
