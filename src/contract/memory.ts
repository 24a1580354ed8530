// Public messages of the memory API: records, and what is told to make them.

import { type Static, Type } from './schema.js';

export const SUBJECT_ID_CHARS_MAX = 256;
const SOURCE_CHARS_MAX = 256;
const TYPE_CHARS_MAX = 128;
const SESSION_ID_CHARS_MAX = 256;
const IDEMPOTENCY_KEY_CHARS_MAX = 256;
export const BATCH_MAX = 100;
export const LIMIT_MAX = 100;
export const SUBJECTS_LIMIT_MAX = 200;
export const SUBJECTS_LIMIT_DEFAULT = 50;
export const SEARCH_LIMIT_DEFAULT = 20;

export const MEMORY_KINDS = ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref'] as const;

const time = (description: string) => Type.String({ format: 'date-time', description });
const bag = (description: string) => Type.Object({}, { additionalProperties: true, description });
const orNull = <S extends ReturnType<typeof Type.String>>(schema: S) => Type.Union([schema, Type.Null()]);

export const SubjectId = Type.String({ minLength: 1, maxLength: SUBJECT_ID_CHARS_MAX });
export const SessionId = Type.String({ minLength: 1, maxLength: SESSION_ID_CHARS_MAX });

export const Episode = Type.Object({
  id: Type.String({ format: 'uuid' }),
  subject_id: Type.String(),
  source: Type.String(),
  type: Type.String(),
  payload: bag('As it was told.'),
  metadata: bag('As it was told.'),
  provenance: bag('As it was told.'),
  session_id: Type.Union([Type.String(), Type.Null()]),
  created_at: time('When it was told.'),
  occurred_at: Type.Optional(time('When it happened, where that was told.')),
});

const memoryKind = Type.Union([
  Type.Literal('profile_fact'),
  Type.Literal('procedure'),
  Type.Literal('episode_summary'),
  Type.Literal('artifact_ref'),
]);

export const Memory = Type.Object({
  id: Type.String({ format: 'uuid' }),
  subject_id: Type.String(),
  kind: memoryKind,
  content: Type.String(),
  summary: Type.String(),
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
  valid_from: time('From when on it is true.'),
  valid_to: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  source_episode_ids: Type.Array(Type.String()),
  metadata: bag('What the compiler noted.'),
  status: Type.Union([Type.Literal('active'), Type.Literal('superseded'), Type.Literal('tombstoned')]),
  sensitivity_labels: Type.Array(Type.String()),
  created_at: time('When it was compiled.'),
  updated_at: time('When its status or its validity changed.'),
});

export const CreateEpisode = Type.Object({
  subject_id: SubjectId,
  source: Type.String({ minLength: 1, maxLength: SOURCE_CHARS_MAX }),
  type: Type.String({ minLength: 1, maxLength: TYPE_CHARS_MAX }),
  payload: bag('`messages` of `{role, content}`, else `text`, else `content`; whatever else is kept too.'),
  metadata: Type.Optional(bag('Kept as it is.')),
  provenance: Type.Optional(bag('Kept as it is.')),
  session_id: Type.Optional(orNull(SessionId)),
  idempotency_key: Type.Optional(
    orNull(
      Type.String({
        minLength: 1,
        maxLength: IDEMPOTENCY_KEY_CHARS_MAX,
        description: 'A repeat, for the same subject, is answered with the first episode.',
      }),
    ),
  ),
  occurred_at: Type.Optional(orNull(Type.String({ description: 'RFC 3339; when it happened.' }))),
});
export type CreateEpisode = Static<typeof CreateEpisode>;

export const CreateEpisodes = Type.Object({
  episodes: Type.Array(CreateEpisode, { minItems: 1, maxItems: BATCH_MAX }),
});
export type CreateEpisodes = Static<typeof CreateEpisodes>;

export const EpisodesCreated = Type.Object({
  episodes_created: Type.Integer({ minimum: 0, description: 'Without those that were there already.' }),
  episodes: Type.Array(Episode, { description: 'In the order in which they were told.' }),
});

export const Timeline = Type.Object({
  subject_id: Type.String(),
  episodes: Type.Array(Episode, { description: 'Oldest first.' }),
  memories: Type.Array(Memory, { description: 'Oldest first.' }),
  episodes_has_more: Type.Boolean(),
  memories_has_more: Type.Boolean(),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});

export const TimelineQuery = Type.Object({
  subject_id: SubjectId,
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMIT_MAX,
      description: 'Episodes, and memories, of a page. Without it: as much as 16 MiB hold.',
    }),
  ),
});

export const SubjectsQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: SUBJECTS_LIMIT_MAX, default: SUBJECTS_LIMIT_DEFAULT })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  cursor: Type.Optional(
    Type.String({ description: 'The `next_cursor` of the page before, in the place of `offset`.' }),
  ),
});

export const SubjectList = Type.Object({
  subjects: Type.Array(
    Type.Object({
      subject_id: Type.String(),
      episode_count: Type.Integer({ minimum: 0 }),
      memory_count: Type.Integer({ minimum: 0 }),
    }),
    { description: 'In the order of the UTF-8 bytes of their ids.' },
  ),
  total: Type.Integer({ minimum: 0 }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type SubjectList = Static<typeof SubjectList>;

export const SubjectDeleted = Type.Object({
  subject_id: Type.String(),
  episodes_deleted: Type.Integer({ minimum: 0 }),
  memories_deleted: Type.Integer({ minimum: 0 }),
});
export type SubjectDeleted = Static<typeof SubjectDeleted>;

export const SearchQuery = Type.Object({
  subject_id: SubjectId,
  kind: Type.Optional(memoryKind),
  q: Type.Optional(Type.String({ description: 'What is looked for; without it the newest come first.' })),
  semantic: Type.Optional(Type.Boolean({ default: false, description: 'By vectors alone.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: SEARCH_LIMIT_DEFAULT })),
});

export const MemoriesFound = Type.Object({ memories: Type.Array(Memory) });

const TASK_CHARS_MAX = 4_000;
export const CONTEXT_TOKENS_MAX = 128_000;
export const AssembleContext = Type.Object({
  subject_id: SubjectId,
  task: Type.String({ minLength: 1, maxLength: TASK_CHARS_MAX }),
  max_tokens: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: CONTEXT_TOKENS_MAX }), Type.Null()], {
      description: 'Without it: memory.context_tokens_default.',
    }),
  ),
  session_id: Type.Optional(orNull(SessionId)),
  explain: Type.Optional(Type.Boolean({ default: false, description: 'With the scores of the candidates.' })),
});
export type AssembleContext = Static<typeof AssembleContext>;

const ids = Type.Array(Type.String());
export const ContextBundle = Type.Object({
  subject_id: Type.String(),
  task: Type.String(),
  facts: Type.Array(Memory, { description: 'Facts, and then summaries.' }),
  episodes: Type.Array(Episode),
  procedures: Type.Array(Memory),
  provenance: Type.Object({
    fact_ids: ids,
    summary_ids: ids,
    procedure_ids: ids,
    episode_ids: ids,
    degraded: Type.Optional(
      Type.Array(Type.Literal('embeddings'), {
        description: 'What was not had in time: the task was compared by words alone.',
      }),
    ),
  }),
  assembled_context: Type.String(),
  token_estimate: Type.Integer({ minimum: 0, description: 'Of assembled_context, by cl100k.' }),
  sessions: Type.Array(
    Type.Object({
      session_id: Type.String(),
      episode_count: Type.Integer({ minimum: 0 }),
      first_at: Type.String({ format: 'date-time' }),
      last_at: Type.String({ format: 'date-time' }),
    }),
  ),
  receipt_id: Type.Null(),
  receipt_emitted: Type.Literal(false),
  explanation: Type.Optional(
    Type.Array(
      Type.Object({
        item: Type.String({ description: 'The id of a memory, or of an episode with the place of the utterance.' }),
        kind: Type.String(),
        score: Type.Number(),
        signals: Type.Record(Type.String(), Type.Number()),
        lexical: Type.Number(),
        cosine: Type.Union([Type.Number(), Type.Null()]),
      }),
    ),
  ),
});

export const CompileRequest = Type.Object({
  subject_id: SubjectId,
  async: Type.Optional(Type.Boolean({ default: false, description: 'Answered with a job at once, with 202.' })),
});
export type CompileRequest = Static<typeof CompileRequest>;

export const Compiled = Type.Object({
  subject_id: Type.String(),
  memories_created: Type.Integer({ minimum: 0 }),
  memories: Type.Array(Memory, { description: 'At most the first 5,000.' }),
});

export const JOB_STATUSES = ['pending', 'running', 'completed', 'failed'] as const;
const jobStatus = Type.Union([
  Type.Literal('pending'),
  Type.Literal('running'),
  Type.Literal('completed'),
  Type.Literal('failed'),
]);

export const CompileJob = Type.Object({
  job_id: Type.String({ format: 'uuid' }),
  status: jobStatus,
  subject_id: Type.String(),
  memories_created: Type.Optional(Type.Integer({ minimum: 0 })),
  memories: Type.Optional(Type.Array(Memory)),
  error: Type.Optional(Type.String()),
});

export const JobListing = Type.Object({
  job_id: Type.String({ format: 'uuid' }),
  tenant_id: Type.Union([Type.String(), Type.Null()]),
  subject_id: Type.String(),
  status: jobStatus,
  memories_created: Type.Integer({ minimum: 0 }),
  error: Type.Union([Type.String(), Type.Null()]),
  created_at: time('When it was asked for.'),
  updated_at: time('When it went on last.'),
});
export type JobListing = Static<typeof JobListing>;
export const JOBS_LIMIT_MAX = 100;
export const JOBS_LIMIT_DEFAULT = 50;
export const JobsQuery = Type.Object({
  status: Type.Optional(jobStatus),
  subject_id: Type.Optional(SubjectId),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: JOBS_LIMIT_MAX, default: JOBS_LIMIT_DEFAULT })),
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
});
export const JobList = Type.Object({
  jobs: Type.Array(JobListing, { description: 'By tenant, oldest first.' }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type JobList = Static<typeof JobList>;
export const JobsReset = Type.Object({ reset: Type.Integer({ minimum: 0 }) });
export type JobsReset = Static<typeof JobsReset>;
export const JobDeleted = Type.Object({ job_id: Type.String(), deleted: Type.Literal(true) });
export type JobDeleted = Static<typeof JobDeleted>;

export const RESOLUTION_STATUSES = ['open', 'resolved', 'unresolved'] as const;
export const RESOLUTIONS_LIMIT_MAX = 200;
export const RESOLUTIONS_LIMIT_DEFAULT = 50;
const RESOLUTION_SUMMARY_CHARS_MAX = 4_000;
const resolutionStatus = Type.Union([Type.Literal('open'), Type.Literal('resolved'), Type.Literal('unresolved')]);

export const SetResolution = Type.Object({
  subject_id: SubjectId,
  session_id: SessionId,
  status: Type.Optional(resolutionStatus),
  resolution_summary: Type.Optional(orNull(Type.String({ maxLength: RESOLUTION_SUMMARY_CHARS_MAX }))),
  metadata: Type.Optional(bag('Kept as it is; without it, what was there stays.')),
});

export const Resolution = Type.Object({
  id: Type.String({ format: 'uuid' }),
  subject_id: Type.String(),
  session_id: Type.String(),
  status: resolutionStatus,
  resolution_summary: Type.Union([Type.String(), Type.Null()]),
  resolved_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  metadata: bag('As it was told.'),
  created_at: time('When the session was first told of.'),
  updated_at: time('When it was last told of.'),
});
export type Resolution = Static<typeof Resolution>;

export const ResolutionList = Type.Array(Resolution, {
  description: 'In the order in which the sessions were told of.',
});

export const ResolutionsQuery = Type.Object({
  subject_id: SubjectId,
  status: Type.Optional(resolutionStatus),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: RESOLUTIONS_LIMIT_MAX, default: RESOLUTIONS_LIMIT_DEFAULT }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
});

const counts = {
  subjects: Type.Integer({ minimum: 0 }),
  episodes: Type.Integer({ minimum: 0 }),
  memories: Type.Integer({ minimum: 0 }),
  bytes: Type.Integer({ minimum: 0, description: 'Of the records as JSON.' }),
  compiles: Type.Integer({ minimum: 0 }),
  contexts: Type.Integer({ minimum: 0 }),
};
export const Usage = Type.Object({
  tenant_id: Type.Union([Type.String(), Type.Null()], { description: 'Null: who names none.' }),
  ...counts,
});
export type Usage = Static<typeof Usage>;

export const TENANTS_LIMIT_MAX = 200;
export const TENANTS_LIMIT_DEFAULT = 50;
export const TenantsQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: TENANTS_LIMIT_MAX, default: TENANTS_LIMIT_DEFAULT })),
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of the page before; opaque.' })),
});
export const TenantList = Type.Object({
  tenants: Type.Array(Usage),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type TenantList = Static<typeof TenantList>;

export const Dashboard = Type.Object({ tenants: Type.Integer({ minimum: 0 }), ...counts });
export type Dashboard = Static<typeof Dashboard>;

export const Readiness = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]),
  dependencies: Type.Array(
    Type.Object({
      name: Type.String(),
      status: Type.Union([Type.Literal('ok'), Type.Literal('failed')]),
      latency_ms: Type.Number({ minimum: 0 }),
      error: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
});
export type Readiness = Static<typeof Readiness>;

export const IMPORT_BYTES_MAX = 50 * 1024 * 1024;
/** A subject as one document; the checksum is explained in docs/memory.md. */
export const SubjectDocument = Type.Object({
  format_version: Type.Literal('1.0'),
  exported_at: Type.Optional(Type.String({ format: 'date-time' })),
  subject_id: SubjectId,
  counts: Type.Object({
    episodes: Type.Integer({ minimum: 0 }),
    memories: Type.Integer({ minimum: 0 }),
    resolutions: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  episodes: Type.Array(Episode),
  memories: Type.Array(Memory),
  resolutions: Type.Optional(Type.Array(Resolution)),
  checksum: Type.String({ description: 'SHA-256 over the canonical JSON of the records.' }),
});
export const ImportQuery = Type.Object({
  subject_id: Type.Optional(SubjectId),
  remap_ids: Type.Optional(Type.Boolean({ default: false, description: 'Give every record a new id.' })),
});
export const Imported = Type.Object({
  subject_id: Type.String(),
  episodes_imported: Type.Integer({ minimum: 0 }),
  memories_imported: Type.Integer({ minimum: 0 }),
  resolutions_imported: Type.Integer({ minimum: 0 }),
});
export type Imported = Static<typeof Imported>;

export const MemoryVersion = Type.Object({ version: Type.String(), api_contract: Type.Literal('v1') });
export type MemoryVersion = Static<typeof MemoryVersion>;

export const Alive = Type.Object({ status: Type.Literal('ok') });
export type Alive = Static<typeof Alive>;
