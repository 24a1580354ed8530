// Address
//
// The name of an actor: `kind/key`. It hashes to one of 1024 slots; a slot, not an actor, is what a worker owns.

/** Never changed for the life of a data directory: commit records name their slot. */
export const SLOTS = 1024;

export interface Address {
  readonly kind: string;
  readonly key: string;
}

/** Bytes of a key as UTF-8: what an envelope can carry. */
export const ACTOR_KEY_BYTES_MAX = 0xffff;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why a text cannot be an actor's key; undefined when it can. Half a surrogate pair would be another key elsewhere. */
export function keyFault(key: string): string | undefined {
  if (key.length * 3 > ACTOR_KEY_BYTES_MAX)
    return `a key has at most ${Math.floor(ACTOR_KEY_BYTES_MAX / 3)} characters`;
  return LONE_SURROGATE.test(key) ? 'a key is well-formed text, without half a surrogate pair' : undefined;
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
