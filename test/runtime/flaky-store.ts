import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import type { WriteBatch } from '../../src/runtime/storage/store.js';

/** A store in memory whose commits fail when the test says so, after all writes were put, as a disk's would. */
export class FlakyStore extends MemoryStore {
  failuresLeft = 0;

  override commit(write: (batch: WriteBatch) => void): void {
    super.commit((batch) => {
      write(batch);
      if (this.failuresLeft === 0) return;
      this.failuresLeft--;
      throw new Error('the disk is full');
    });
  }
}
