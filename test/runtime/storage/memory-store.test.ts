import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { describeStore } from './store-conformance.js';

describeStore({
  name: 'MemoryStore',
  open: async () => {
    const store = new MemoryStore();
    return { store, release: () => store.close() };
  },
});
