// Measures: tells a second from an actor of one worker to an actor of another, 100 bytes each (an object of a number and a
// text), which the receiver's handler gets decoded and looks into. The sender tells 256 in a turn and has 16 such batches
// under way; the last of each is answered by a tell that begins the next.
//
// Does not measure: many pairs at once, or the way from outside of all actors (cross-thread-ask does).
//
// How to read it: the floor packs the same objects with the same packer, 256 at once, hands each batch over by transfer
// between two threads of its own, unpacks it and looks into all of them, with as many batches under way. Two threads work
// at a time: on two cores or fewer, whatever else runs is in the numbers. `verified` is what the receivers have counted.

import { createSystem } from '../../src/index.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { RawTransfer } from '../baseline/raw-transfer.js';
import { runBench } from '../harness/bench.js';
import type { BenchCase } from '../harness/measure.js';
import { makeParcel, PARCEL_BYTES, receiver, sender } from './parcel-kinds.js';
import { keyOn } from './worker-keys.js';

const WORKERS = 2;
const REACH = 0.6;

await runBench({
  name: 'actors/cross-thread-tell',
  async open() {
    const parcelBytes = encodeValue(makeParcel(0)).length;
    if (parcelBytes !== PARCEL_BYTES) throw new Error(`A parcel has ${parcelBytes} bytes, not ${PARCEL_BYTES}`);
    const raw = await RawTransfer.open();
    const system = await createSystem({ kinds: [new URL('./parcel-kinds.js', import.meta.url)], workers: WORKERS });
    const from = system.ref(sender, keyOn(0, WORKERS, sender));
    const to = system.ref(receiver, keyOn(1, WORKERS, receiver));
    if ((await from.ask('thread')) === (await to.ask('thread'))) throw new Error('Both actors live in one thread');
    const transfers: BenchCase = {
      name: `${PARCEL_BYTES} bytes`,
      floor: {
        name: 'raw transfers',
        run: async (budgetMs) => ({ ...(await raw.send(budgetMs)), latency: null }),
        countFarEnd: () => raw.count(),
      },
      subjects: [
        {
          name: 'tells',
          run: async (budgetMs) => ({ ...(await from.ask('sendAll', { to: to.key, budgetMs })), latency: null }),
          countFarEnd: () => to.ask('count'),
        },
      ],
    };
    return {
      cases: [transfers],
      bounds: ([result]) => [
        {
          what: 'tells: of the floor',
          measured: result!.results[1]!.ratio.median,
          unit: '',
          limit: { kind: 'least', value: REACH },
        },
      ],
      close: async () => {
        await system.stop();
        await raw.close();
      },
    };
  },
});
