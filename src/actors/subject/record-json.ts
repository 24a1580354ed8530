// Record JSON: records between the form that clients see, which is stored, and the one that the pure logic works with.

import { timestamp } from '../../clock.js';
import type { Episode, JsonObject, Memory, MemoryKind, MemoryStatus } from './records.js';

interface EpisodeOnWire {
  readonly id: string;
  readonly subject_id: string;
  readonly source: string;
  readonly type: string;
  readonly payload: JsonObject;
  readonly metadata: JsonObject;
  readonly provenance: JsonObject;
  readonly session_id: string | null;
  readonly created_at: string;
  readonly occurred_at?: string;
}

interface MemoryOnWire {
  readonly id: string;
  readonly subject_id: string;
  readonly kind: MemoryKind;
  readonly content: string;
  readonly summary: string;
  readonly confidence: number;
  readonly valid_from: string;
  readonly valid_to: string | null;
  readonly source_episode_ids: readonly string[];
  readonly metadata: JsonObject;
  readonly status: MemoryStatus;
  readonly sensitivity_labels: readonly string[];
  readonly created_at: string;
  readonly updated_at: string;
}

export function episodeOf(json: string): Episode {
  const wire = JSON.parse(json) as EpisodeOnWire;
  return {
    id: wire.id,
    subjectId: wire.subject_id,
    source: wire.source,
    type: wire.type,
    payload: wire.payload,
    metadata: wire.metadata,
    provenance: wire.provenance,
    sessionId: wire.session_id,
    createdAt: Date.parse(wire.created_at),
    occurredAt: wire.occurred_at === undefined ? null : Date.parse(wire.occurred_at),
  };
}

export function memoryOf(json: string): Memory {
  const wire = JSON.parse(json) as MemoryOnWire;
  return {
    id: wire.id,
    subjectId: wire.subject_id,
    kind: wire.kind,
    content: wire.content,
    summary: wire.summary,
    confidence: wire.confidence,
    validFrom: Date.parse(wire.valid_from),
    validTo: wire.valid_to === null ? null : Date.parse(wire.valid_to),
    sourceEpisodeIds: wire.source_episode_ids,
    metadata: wire.metadata,
    status: wire.status,
    sensitivityLabels: wire.sensitivity_labels,
    createdAt: Date.parse(wire.created_at),
    updatedAt: Date.parse(wire.updated_at),
  };
}

export function memoryJson(memory: Memory): string {
  const wire: MemoryOnWire = {
    id: memory.id,
    subject_id: memory.subjectId,
    kind: memory.kind,
    content: memory.content,
    summary: memory.summary,
    confidence: memory.confidence,
    valid_from: timestamp(memory.validFrom),
    valid_to: memory.validTo === null ? null : timestamp(memory.validTo),
    source_episode_ids: memory.sourceEpisodeIds,
    metadata: memory.metadata,
    status: memory.status,
    sensitivity_labels: memory.sensitivityLabels,
    created_at: timestamp(memory.createdAt),
    updated_at: timestamp(memory.updatedAt),
  };
  return JSON.stringify(wire);
}
