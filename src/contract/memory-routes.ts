// Memory routes
//
// The calls of the memory API, in one list: its router is built from it, and its part of the OpenAPI document.

import {
  Alive,
  AssembleContext,
  Compiled,
  CompileJob,
  CompileRequest,
  ContextBundle,
  CreateEpisode,
  CreateEpisodes,
  Dashboard,
  Episode,
  EpisodesCreated,
  IMPORT_BYTES_MAX,
  Imported,
  ImportQuery,
  JobDeleted,
  JobList,
  JobsQuery,
  JobsReset,
  MemoriesFound,
  Memory,
  MemoryVersion,
  Readiness,
  Resolution,
  ResolutionList,
  ResolutionsQuery,
  SearchQuery,
  SetResolution,
  SubjectDeleted,
  SubjectDocument,
  SubjectList,
  SubjectsQuery,
  TenantList,
  TenantsQuery,
  Timeline,
  TimelineQuery,
  Usage,
} from './memory.js';
import { MemoryError } from './memory-errors.js';
import { AskHandoff, Handoff, SlaQuery, SlaSummary, SubjectHealth } from './memory-support.js';
import type { Method } from './route.js';
import type { TSchema } from './schema.js';

/** `open`: anyone. `key`: an API key where there are any, or an agent, for its own subject. `admin`: the admin's token. */
export type MemoryAccess = 'open' | 'key' | 'admin';

export interface MemoryRoute {
  readonly method: Method;
  readonly path: string;
  readonly access: MemoryAccess;
  readonly summary: string;
  readonly query?: TSchema;
  readonly body?: TSchema;
  /** In the place of `http.body_bytes_max`. */
  readonly bodyBytesMax?: number;
  readonly status: 200 | 201 | 202;
  readonly answer: TSchema;
}

/** The name of the schemas in the document's components. */
export const memoryComponents = { Episode, Memory, Resolution, Usage, MemoryError } as const satisfies Record<
  string,
  TSchema
>;

export const memoryRoutes = {
  createEpisode: {
    method: 'POST',
    path: '/v1/episodes',
    access: 'key',
    summary: 'Tell what happened.',
    body: CreateEpisode,
    status: 201,
    answer: Episode,
  },
  createEpisodes: {
    method: 'POST',
    path: '/v1/episodes/batch',
    access: 'key',
    summary:
      'Tell up to 100 things. All are validated before any is written; those of one subject are written together.',
    body: CreateEpisodes,
    status: 201,
    answer: EpisodesCreated,
  },
  compile: {
    method: 'POST',
    path: '/v1/memories/compile',
    access: 'key',
    summary: 'Make memories of the episodes that are not compiled yet; with `async` as a job, answered with 202.',
    body: CompileRequest,
    status: 200,
    answer: Compiled,
  },
  compileJob: {
    method: 'GET',
    path: '/v1/memories/compile/{job_id}',
    access: 'key',
    summary: 'How a compile job stands.',
    status: 200,
    answer: CompileJob,
  },
  searchMemories: {
    method: 'GET',
    path: '/v1/memories/search',
    access: 'key',
    summary: 'Memories of a subject that are valid now.',
    query: SearchQuery,
    status: 200,
    answer: MemoriesFound,
  },
  context: {
    method: 'POST',
    path: '/v1/context',
    access: 'key',
    summary: 'What is known of a subject for a task, ranked, within a number of tokens.',
    body: AssembleContext,
    status: 200,
    answer: ContextBundle,
  },
  timeline: {
    method: 'GET',
    path: '/v1/timeline',
    access: 'key',
    summary: 'Everything that is kept of a subject, oldest first.',
    query: TimelineQuery,
    status: 200,
    answer: Timeline,
  },
  listSubjects: {
    method: 'GET',
    path: '/v1/subjects',
    access: 'key',
    summary: 'The subjects of the tenant.',
    query: SubjectsQuery,
    status: 200,
    answer: SubjectList,
  },
  deleteSubject: {
    method: 'DELETE',
    path: '/v1/subjects/{subject_id}',
    access: 'key',
    summary: 'Delete a subject and all that is kept of it.',
    status: 200,
    answer: SubjectDeleted,
  },
  memoryVersion: {
    method: 'GET',
    path: '/v1/version',
    access: 'open',
    summary: 'Which version this is, and which contract of the memory API it keeps.',
    status: 200,
    answer: MemoryVersion,
  },
  alive: {
    method: 'GET',
    path: '/healthz',
    access: 'open',
    summary: 'Whether the process answers.',
    status: 200,
    answer: Alive,
  },
  aliveToo: {
    method: 'GET',
    path: '/health',
    access: 'open',
    summary: 'The same as /healthz.',
    status: 200,
    answer: Alive,
  },
  setResolution: {
    method: 'POST',
    path: '/v1/resolutions',
    access: 'key',
    summary: 'Say how a session stands.',
    body: SetResolution,
    status: 200,
    answer: Resolution,
  },
  listResolutions: {
    method: 'GET',
    path: '/v1/resolutions',
    access: 'key',
    summary: 'How the sessions of a subject stand.',
    query: ResolutionsQuery,
    status: 200,
    answer: ResolutionList,
  },
  handoff: {
    method: 'POST',
    path: '/v1/handoff',
    access: 'key',
    summary: 'What the next one who takes a session over must know.',
    body: AskHandoff,
    status: 200,
    answer: Handoff,
  },
  health: {
    method: 'GET',
    path: '/v1/subjects/{subject_id}/health',
    access: 'key',
    summary: 'How well a subject is served, and why.',
    status: 200,
    answer: SubjectHealth,
  },
  sla: {
    method: 'GET',
    path: '/v1/subjects/{subject_id}/sla',
    access: 'key',
    summary: 'How long the sessions of a subject waited for an answer and for their end.',
    query: SlaQuery,
    status: 200,
    answer: SlaSummary,
  },
  ready: {
    method: 'GET',
    path: '/readyz',
    access: 'open',
    summary: 'Whether what the memory API needs is there; 503 when not.',
    status: 200,
    answer: Readiness,
  },
  readyToo: {
    method: 'GET',
    path: '/ready',
    access: 'open',
    summary: 'The same as /readyz.',
    status: 200,
    answer: Readiness,
  },
  exportSubject: {
    method: 'GET',
    path: '/admin/export/{subject_id}',
    access: 'admin',
    summary: 'A subject as one document, with a checksum.',
    status: 200,
    answer: SubjectDocument,
  },
  importSubject: {
    method: 'POST',
    path: '/admin/import',
    access: 'admin',
    summary: 'Make a subject out of a document, all of it or nothing; under another id with `subject_id`.',
    query: ImportQuery,
    body: SubjectDocument,
    bodyBytesMax: IMPORT_BYTES_MAX,
    status: 200,
    answer: Imported,
  },
  listJobs: {
    method: 'GET',
    path: '/admin/jobs',
    access: 'admin',
    summary: 'Compile jobs, of all tenants or of the one that X-Tenant-ID names.',
    query: JobsQuery,
    status: 200,
    answer: JobList,
  },
  resetStuckJobs: {
    method: 'POST',
    path: '/admin/jobs/reset-stuck',
    access: 'admin',
    summary: 'Take up the jobs that are neither at their end nor in hand, without waiting for their reminders.',
    status: 200,
    answer: JobsReset,
  },
  deleteJob: {
    method: 'DELETE',
    path: '/admin/jobs/{job_id}',
    access: 'admin',
    summary: 'Call a job off and forget it; what it has compiled stays.',
    status: 200,
    answer: JobDeleted,
  },
  usage: {
    method: 'GET',
    path: '/admin/usage',
    access: 'admin',
    summary: 'What the tenant that X-Tenant-ID names has, or the one without a name.',
    status: 200,
    answer: Usage,
  },
  listTenants: {
    method: 'GET',
    path: '/admin/tenants',
    access: 'admin',
    summary: 'The tenants that have subjects, and what they have.',
    query: TenantsQuery,
    status: 200,
    answer: TenantList,
  },
  dashboard: {
    method: 'GET',
    path: '/admin/dashboard',
    access: 'admin',
    summary: 'What all tenants have together.',
    status: 200,
    answer: Dashboard,
  },
} as const satisfies Record<string, MemoryRoute>;

export type MemoryRouteName = keyof typeof memoryRoutes;
