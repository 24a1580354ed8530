// What may be said to a subject: its episodes, memories, jobs and resolutions. Key: its tenant and its id (subjectKey).
//
// Records travel as the JSON that a client is shown, in texts: nobody on the way has to take them apart.

import type { Handoff, SlaFigures, SubjectHealth } from '../../contract/memory-support.js';
import { protocol } from '../../runtime/actor.js';
import type { MemoryKind } from './records.js';

/** Where a subject is: `''` is the tenant of those who name none. */
export interface SubjectPlace {
  readonly tenant: string;
  readonly subjectId: string;
}

/** The key of a subject's actor. No tenant's keys can be another's: an escaped tenant has no slash. */
export function subjectKey({ tenant, subjectId }: SubjectPlace): string {
  return `${encodeURIComponent(tenant)}/${subjectId}`;
}

export function placeOfKey(key: string): SubjectPlace {
  const slash = key.indexOf('/');
  return { tenant: decodeURIComponent(key.slice(0, slash)), subjectId: key.slice(slash + 1) };
}

/** An episode as it is told; `payload`, `metadata` and `provenance` are JSON objects in text. */
export interface NewEpisode {
  readonly source: string;
  readonly type: string;
  readonly payload: string;
  readonly metadata: string;
  readonly provenance: string;
  readonly sessionId: string | null;
  /** Milliseconds since the epoch. */
  readonly occurredAt: number | null;
  readonly idempotencyKey: string | null;
}

/** A stored record: its place among those of its subject, when it was made, and its JSON. */
export interface StoredRecord {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly json: string;
}

export type Shelf = 'episode' | 'memory';

/** Part of a shelf, in order. `life` names the subject's life that it belongs to; null: there is no such subject. */
export interface RecordPage {
  readonly life: number | null;
  readonly records: readonly StoredRecord[];
  /** There are more behind the last. */
  readonly more: boolean;
}

export type JobStatus = 'pending' | 'running' | 'completed' | 'failed';

/** Table `compile_job`. */
export interface JobRow {
  readonly subjectId: string;
  readonly life: number;
  readonly status: JobStatus;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Memories that it has made. */
  readonly created: number;
  /** The seq of the first, which the others follow; null when it made none. */
  readonly firstSeq: number | null;
  readonly error: string | null;
}

/** A candidate of a context, and what its score is the sum of. */
export interface ExplainedItem {
  readonly item: string;
  readonly kind: string;
  readonly score: number;
  readonly signals: Readonly<Record<string, number>>;
  /** What relevance is made of: by words, 0 to 1, and the cosine where there are vectors. */
  readonly lexical: number;
  readonly cosine: number | null;
}

/** A context, its records as JSON. */
export interface ContextAnswer {
  /** Facts, and then summaries. */
  readonly facts: readonly string[];
  readonly episodes: readonly string[];
  readonly procedures: readonly string[];
  readonly factIds: readonly string[];
  readonly summaryIds: readonly string[];
  readonly procedureIds: readonly string[];
  readonly episodeIds: readonly string[];
  readonly assembledContext: string;
  readonly tokenEstimate: number;
  readonly sessions: readonly {
    readonly session_id: string;
    readonly episode_count: number;
    readonly first_at: string;
    readonly last_at: string;
  }[];
  /** Best first; null where it was not asked for. */
  readonly explanation: readonly ExplainedItem[] | null;
  /** Something of the subject has no vector yet. */
  readonly isVectorMissing: boolean;
}

export interface HealthAnswer {
  /** 0 to 100. */
  readonly score: number;
  readonly state: SubjectHealth['state'];
  readonly factors: SubjectHealth['factors'];
}

/** A record out of a document. */
export interface ImportedRecord {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly json: string;
  /** Of a resolution. */
  readonly sessionId: string | null;
}

/** Up to where a subject has vectors: seqs, and how many utterances of the episode that follows. */
export interface VectorMark {
  readonly memoriesTo: number;
  readonly episodesTo: number;
  readonly utterancesTo: number;
}

/** What has no vector yet. `utterance`: its place in its episode; 0 of a memory. */
export interface UnembeddedItem {
  readonly shelf: Shelf;
  readonly seq: number;
  readonly utterance: number;
  readonly itemId: string;
  readonly text: string;
}

/** What a compile made: memories of this life, as many as `created`, from this seq on. */
export interface CompileOutcome {
  readonly life: number;
  readonly created: number;
  readonly firstSeq: number | null;
}

export type ResolutionStatus = 'open' | 'resolved' | 'unresolved';

export type SubjectMessages = {
  /** Refused with OVERLOADED where the subject is at one of its bounds. An idempotency key seen before gives the first. */
  readonly append: {
    readonly args: { readonly episodes: readonly NewEpisode[] };
    readonly reply: { readonly episodes: readonly string[]; readonly created: number };
  };
  /** A part of a shelf, of at most `limit` records and PAGE_BYTES. `life`: of that life alone. */
  readonly read: {
    readonly args: {
      readonly shelf: Shelf;
      readonly life: number | null;
      readonly after: number;
      readonly limit: number;
      readonly newestFirst: boolean;
    };
    readonly reply: RecordPage;
  };
  /** Compiles what is not compiled, and answers when it is. Refused with OVERLOADED, or NOT_FOUND where it is deleted. */
  readonly compile: { readonly args: null; readonly reply: CompileOutcome };
  /** The same without waiting. Answered when the job is sure to be done; refused with OVERLOADED. */
  readonly startJob: { readonly args: { readonly jobId: string }; readonly reply: null };
  /** Refused with NOT_FOUND. */
  readonly job: { readonly args: { readonly jobId: string }; readonly reply: JobRow };
  readonly dropJob: { readonly args: { readonly jobId: string }; readonly reply: null };
  /** Jobs that are not at their end and not in hand are taken up. */
  readonly resume: { readonly args: null; readonly reply: { readonly resumed: number } };
  /** Memories by a query, best first. Refused with OVERLOADED, or NOT_FOUND where the subject is deleted meanwhile. */
  readonly search: {
    readonly args: {
      readonly q: string;
      readonly kind: MemoryKind | null;
      readonly vectorsOnly: boolean;
      readonly queryVector: Uint8Array | null;
      readonly limit: number;
    };
    readonly reply: { readonly memories: readonly string[] };
  };
  /** Refused as a search is. */
  readonly context: {
    readonly args: {
      readonly task: string;
      readonly maxTokens: number;
      readonly sessionId: string | null;
      readonly explain: boolean;
      /** 8 bits a dimension, with a sign; null: by words alone. */
      readonly queryVector: Uint8Array | null;
    };
    readonly reply: ContextAnswer;
  };
  /** What has no vector yet, at most `limit` of it and from a mark on. */
  readonly unembedded: {
    readonly args: { readonly limit: number };
    readonly reply: {
      readonly life: number;
      readonly from: VectorMark;
      readonly to: VectorMark;
      readonly items: readonly UnembeddedItem[];
      /** There is something behind it. */
      readonly more: boolean;
    };
  };
  /** The vectors of what `unembedded` gave. Not kept where the subject is another, or the mark. */
  readonly putVectors: {
    readonly args: {
      readonly life: number;
      readonly from: VectorMark;
      readonly to: VectorMark;
      readonly vectors: readonly (Omit<UnembeddedItem, 'text'> & { readonly vector: Uint8Array })[];
    };
    readonly reply: { readonly kept: boolean };
  };
  readonly health: { readonly args: null; readonly reply: HealthAnswer };
  readonly sla: {
    readonly args: { readonly firstResponseMinutes: number; readonly resolutionHours: number };
    readonly reply: SlaFigures;
  };
  readonly handoff: {
    readonly args: { readonly sessionId: string; readonly reason: string; readonly maxTokens: number };
    readonly reply: Handoff;
  };
  /** Refused with CONFLICT where there is something, or another import. */
  readonly beginImport: { readonly args: null; readonly reply: { readonly life: number } };
  /** In the order of the records. Refused with CONFLICT when the import is over. */
  readonly importPart: {
    readonly args: {
      readonly life: number;
      readonly shelf: Shelf | 'resolution';
      readonly records: readonly ImportedRecord[];
    };
    readonly reply: null;
  };
  readonly endImport: {
    readonly args: { readonly life: number; readonly compiledTo: number };
    readonly reply: { readonly episodes: number; readonly memories: number; readonly resolutions: number };
  };
  readonly abandonImport: { readonly args: { readonly life: number }; readonly reply: null };
  /** To itself: the next slice of an index; how many contexts there were is written. */
  readonly index: { readonly args: null; readonly reply: null };
  readonly saveCounts: { readonly args: null; readonly reply: null };
  /** To itself: the next part of a compile, and what is due by the clock. */
  readonly step: { readonly args: null; readonly reply: null };
  readonly care: { readonly args: null; readonly reply: null };
  /** The new state of a session's resolution; refused with CONFLICT past RESOLUTIONS_MAX. `metadata` null: as it was. */
  readonly resolve: {
    readonly args: {
      readonly sessionId: string;
      readonly status: ResolutionStatus;
      readonly summary: string | null;
      readonly metadata: string | null;
    };
    readonly reply: { readonly resolution: string };
  };
  /** In the order in which the sessions were first told of. */
  readonly resolutions: {
    readonly args: { readonly status: ResolutionStatus | null; readonly offset: number; readonly limit: number };
    readonly reply: { readonly resolutions: readonly string[] };
  };
  /** All of it is gone when this is answered, for whoever asks later; the disk is cleared behind that. */
  readonly remove: {
    readonly args: null;
    readonly reply: { readonly episodes: number; readonly memories: number };
  };
  /** To itself: the next rows of a life that is over are removed. */
  readonly purge: { readonly args: { readonly byReminder: boolean }; readonly reply: null };
  /** Memories without a query: newest first, of what is valid now. */
  readonly newest: {
    readonly args: { readonly kind: MemoryKind | null; readonly limit: number };
    readonly reply: { readonly memories: readonly string[] };
  };
};

export const subjectProtocol = protocol<SubjectMessages>('subject', [
  'append',
  'read',
  'remove',
  'purge',
  'newest',
  'resolve',
  'resolutions',
  'compile',
  'startJob',
  'job',
  'dropJob',
  'resume',
  'step',
  'care',
  'search',
  'context',
  'index',
  'saveCounts',
  'health',
  'sla',
  'handoff',
  'beginImport',
  'importPart',
  'endImport',
  'abandonImport',
  'unembedded',
  'putVectors',
]);
