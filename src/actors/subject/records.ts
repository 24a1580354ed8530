// Records of a subject: what is kept of it, as actors and their pure logic know it. Times are milliseconds since the epoch.

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
export type JsonObject = { readonly [member: string]: Json };

/** Something that happened, as it was told: never changed, only deleted with its subject. */
export interface Episode {
  readonly id: string;
  readonly subjectId: string;
  readonly source: string;
  readonly type: string;
  readonly payload: JsonObject;
  readonly metadata: JsonObject;
  readonly provenance: JsonObject;
  readonly sessionId: string | null;
  readonly createdAt: number;
  /** When it happened, where that was told. */
  readonly occurredAt: number | null;
}

export type MemoryKind = 'profile_fact' | 'procedure' | 'episode_summary' | 'artifact_ref';
export type MemoryStatus = 'active' | 'superseded' | 'tombstoned';

/** Something learned from episodes. */
export interface Memory {
  readonly id: string;
  readonly subjectId: string;
  readonly kind: MemoryKind;
  readonly content: string;
  readonly summary: string;
  /** 0 to 1. */
  readonly confidence: number;
  readonly validFrom: number;
  /** Null: without an end. */
  readonly validTo: number | null;
  readonly sourceEpisodeIds: readonly string[];
  readonly metadata: JsonObject;
  readonly status: MemoryStatus;
  readonly sensitivityLabels: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}
