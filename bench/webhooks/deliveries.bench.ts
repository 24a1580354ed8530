// Measures: pushes a second to one local receiver: 4,000 messages of 200 bytes wait for the webhooks of 50 agents, from 8
// senders, while the receiver keeps its answers back; then it answers, and the time runs until each message has come once.
//
// Does not measure: accepting the messages (http/messages), TLS, names, or a network: server and receiver share the cores.
//
// How to read it: the floor posts as many bodies of the same size with undici to the same receiver, as many at once, and
// signs and stores nothing. What the server has over it: a commit for what was delivered, a signature, and the way from
// the agent to the sender's thread and back. `verified` counts the different messages that came.

import { join } from 'node:path';
import { RawUndici } from '../baseline/raw-undici.js';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import type { Sample } from '../harness/measure.js';
import { BENCH_SETTINGS, ServerUnderTest } from '../harness/server-under-test.js';
import type { ReceiverAnswer, ReceiverOrder } from './receiver-process.js';

const RECIPIENTS = 50;
const SENDERS = 8;
const IN_FLIGHT = 100;
const REACH = 0.7;
const MESSAGES = 4_000;
const MESSAGES_QUICK = 200;
const PER_BATCH = 100;
const CONTENT = 'm'.repeat(200);
/** As long as that of a message of this bench. */
const BODY = JSON.stringify({
  message_id: '0'.repeat(36),
  from: 'a'.repeat(24),
  to: 'b'.repeat(24),
  content: CONTENT,
  timestamp: new Date(0).toISOString(),
});

await runBench({
  name: 'webhooks/deliveries',
  async open(quick) {
    const count = quick ? MESSAGES_QUICK : MESSAGES;
    const receiver = new Child<ReceiverOrder, ReceiverAnswer>(join(import.meta.dirname, 'receiver-process.js'));
    const { port } = await receiver.ask({ kind: 'listen' });
    const server = await ServerUnderTest.open(SENDERS, {
      ...BENCH_SETTINGS,
      'webhooks.allow_private': 'true',
      'webhooks.timeout_ms': 60_000,
    });
    const raw = new RawUndici(`http://127.0.0.1:${port}`, IN_FLIGHT);
    const recipients = await server.api.register(RECIPIENTS, `http://127.0.0.1:${port}/`);

    const measured = async (prepare: () => Promise<unknown>): Promise<Sample> => {
      await receiver.ask({ kind: 'hold' });
      await prepare();
      const { elapsedMs } = await receiver.ask({ kind: 'release', count });
      return { operations: count, elapsedMs, latency: null };
    };
    const fill = async (): Promise<void> => {
      for (let sent = 0; sent < count; sent += PER_BATCH) {
        const messages = Array.from({ length: PER_BATCH }, (_, index) => ({
          to: recipients[(sent + index) % RECIPIENTS]!.address,
          content: CONTENT,
        }));
        const { token } = server.agents[(sent / PER_BATCH) % SENDERS]!;
        await server.api.must({ method: 'POST', path: '/v1/messages/batch', token, body: { messages } }, 200);
      }
    };
    let posted = 0;
    return {
      cases: [
        {
          name: `${IN_FLIGHT} at once`,
          floor: {
            name: 'raw undici',
            run: async () => {
              let posting = Promise.resolve();
              const sample = await measured(async () => {
                posting = raw.post(count, BODY);
              });
              await posting;
              posted += count;
              return sample;
            },
          },
          subjects: [
            {
              name: 'troupe',
              run: () => measured(fill),
              countFarEnd: async () => (await receiver.ask({ kind: 'tell' })).total - posted,
            },
          ],
        },
      ],
      bounds: ([measuredCase]) => {
        const ratio = measuredCase?.results.find(({ subject }) => subject === 'troupe')?.ratio.median ?? 0;
        return [
          { what: 'of the rate of raw undici', measured: ratio, unit: '', limit: { kind: 'least', value: REACH } },
        ];
      },
      async close() {
        await raw.close();
        await server.close();
        await receiver.close();
      },
    };
  },
});
