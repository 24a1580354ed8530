// Address
//
// The name of an actor: `kind/key`. It hashes to one of 1024 slots; a slot, not an actor, is what a worker owns.

/** Never changed for the life of a data directory: commit records name their slot. */
export const SLOTS = 1024;

export interface Address {
  readonly kind: string;
  readonly key: string;
}

export function formatAddress(address: Address): string {
  return `${address.kind}/${address.key}`;
}

/** The slot of an actor, 0 to SLOTS - 1: FNV-1a (32 bit) over the UTF-16 units of kind, `/` and key, folded. */
export function slotOf(kind: string, key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < kind.length; i++) hash = Math.imul(hash ^ kind.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 47, 0x01000193);
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash >>> 16) ^ hash) & (SLOTS - 1);
}
