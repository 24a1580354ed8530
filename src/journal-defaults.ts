// Journal defaults
//
// What the journal is given when nobody says otherwise: by the configuration of a server, and by a system in a program.

const MIB = 1_048_576;

/** The size of its files: large enough to be begun rarely, small enough that making one (some 10 ms) is hardly felt. */
export const SEGMENT_BYTES = 16 * MIB;
/** What may be durable and not in the tables: the shards keep it in memory, and the next start has it to do. */
export const UNAPPLIED_BYTES_MAX = 128 * MIB;
/** How long the tables may be behind when nobody waits for them. */
export const APPLY_AFTER_MS = 250;
