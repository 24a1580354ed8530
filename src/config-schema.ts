// Config schema
//
// Every key that the server can be told, in one table: what it may be, what it is when nobody says, what it is for.
// docs/config.md is locked to this table by a test. A key is `name` or `section.name`; inside the program it is
// camel case: `limits.message_send_per_min` is `config.limits.messageSendPerMin`.

import { isIP } from 'node:net';
import { APPLY_AFTER_MS, SEGMENT_BYTES, UNAPPLIED_BYTES_MAX } from './journal-defaults.js';

interface About {
  readonly about: string;
  /** Never shown, neither in faults nor in logs. */
  readonly secret?: true;
}
export interface IntegerKey extends About {
  readonly kind: 'integer';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export interface TextKey extends About {
  readonly kind: 'text';
  readonly default: string | null;
  /** What is wrong with a text, or undefined when nothing is. */
  readonly fault: (text: string) => string | undefined;
}
export interface ChoiceKey extends About {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}
export interface ListKey extends About {
  readonly kind: 'list';
  readonly default: readonly string[];
  readonly itemFault: (item: string) => string | undefined;
}
export interface BooleanKey extends About {
  readonly kind: 'boolean';
  readonly default: boolean;
}
/** A whole number, at least 1, for some of the names. */
export interface NumbersKey extends About {
  readonly kind: 'numbers';
  readonly default: Readonly<Record<string, number>>;
  readonly names: readonly string[];
  readonly max: number;
}
export type ConfigKey = IntegerKey | TextKey | ChoiceKey | ListKey | BooleanKey | NumbersKey;

const MEMORY_KINDS = ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref'];
const MIB = 1_048_576;
const DAY_MS = 86_400_000;
/** Past this a counter of bytes would stop being exact. */
const EXACT_MAX = Number.MAX_SAFE_INTEGER;
const PER_MIN_MAX = 1_000_000;

function integer<const D extends number>(min: number, max: number, fallback: D, about: string) {
  return { kind: 'integer', min, max, default: fallback as number, about } as const;
}

function choice<const C extends readonly string[]>(choices: C, fallback: C[number], about: string) {
  return { kind: 'choice', choices, default: fallback, about } as const;
}

function perMinute(fallback: number, what: string) {
  return integer(0, PER_MIN_MAX, fallback, `${what} an agent may do in a minute; 0 is no limit.`);
}

const notEmpty = (text: string) =>
  text === '' || text.includes('\0') ? 'must be a text that is not empty' : undefined;

/** A key of the memory API, and after `@` the tenant that it is bound to. */
const MEMORY_KEY = /^[\x21-\x3f\x41-\x7e]{16,256}(@[\x21-\x7e]{1,128})?$/;
/** None that means something else here. */
const TENANT_HEADER = /^x-(?!(api-key|forwarded-for|request-id)$)[a-z0-9-]{1,62}$/i;

const ADMIN_TOKEN = /^ad_live_[0-9a-f]{64}$/;
const ADDRESS_PREFIX = /^[a-z][a-z0-9]{0,14}_$/;

function networkFault(item: string): string | undefined {
  const [address = '', bits, ...rest] = item.split('/');
  const family = isIP(address);
  const bitsMax = family === 4 ? 32 : 128;
  const bitsGood = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
  return family !== 0 && bitsGood && rest.length === 0 ? undefined : 'must hold IP addresses or networks (10.0.0.0/8)';
}

export const configTable = {
  'http.host': {
    kind: 'text',
    default: '127.0.0.1' as string,
    fault: notEmpty,
    about: 'The address to listen on. Any but a loopback one needs `admin.token`.',
  },
  'http.port': integer(0, 65_535, 8080, 'The port to listen on; 0 is any free one.'),
  'http.listener': choice(
    ['auto', 'uws', 'node'],
    'auto',
    'Which adapter serves HTTP; auto is uWebSockets.js where its native build loads and suits `http.host` (`docs/listeners.md`), and node:http where not.',
  ),
  'http.trusted_proxies': {
    kind: 'list',
    default: [] as readonly string[],
    itemFault: networkFault,
    about: 'Addresses or networks whose `X-Forwarded-For` is believed.',
  },
  'http.body_bytes_max': integer(1024, 64 * MIB, 2 * MIB, 'The largest body of a request, in bytes.'),
  'http.body_timeout_ms': integer(100, 600_000, 30_000, 'How long a body may take to arrive.'),
  'http.head_timeout_ms': integer(100, 600_000, 10_000, 'How long the head of a request may take to arrive.'),
  'http.idle_timeout_ms': integer(
    1000,
    3_600_000,
    60_000,
    'An open connection without a request is closed after this.',
  ),
  'http.connections_max': integer(
    1,
    1_000_000,
    10_000,
    'Most open connections; `sessions.max` is added to it, and further ones are refused.',
  ),
  'sessions.max': integer(1, 100_000, 50_000, 'Most open sessions; a further one is closed with 4029.'),
  'sessions.heartbeat_ms': integer(
    16_000,
    300_000,
    30_000,
    'A session whose peer is silent for so long is pinged; it is closed when no answer comes in the next 16 s.',
  ),
  data_dir: {
    kind: 'text',
    default: './troupe-data' as string,
    fault: notEmpty,
    about: 'The directory that holds everything that lasts.',
  },
  workers: integer(0, 256, 0, 'Shard workers; 0 is one for each core but the one that serves HTTP, and at least one.'),
  durability: choice(
    ['volatile', 'committed', 'durable'],
    'durable',
    'What a 2xx on a write has survived: nothing, the process, or the power cord.',
  ),
  'journal.segment_bytes': integer(
    65_536,
    1024 * MIB,
    SEGMENT_BYTES,
    'The size of a file of the journal; a few of them are kept and used in turn.',
  ),
  'journal.unapplied_bytes_max': integer(
    MIB,
    4096 * MIB,
    UNAPPLIED_BYTES_MAX,
    'What may be durable in the journal and not in the tables yet; past it writers wait, and then get 503.',
  ),
  'journal.apply_after_ms': integer(
    1,
    60_000,
    APPLY_AFTER_MS,
    'How long the tables may be behind the journal when nobody waits for them; the longer, the more writes of one key are one.',
  ),
  shutdown_timeout_ms: integer(0, 600_000, 10_000, 'How long a stop may take before what is left is cut off.'),
  'log.level': choice(['silent', 'error', 'warn', 'info', 'debug'], 'info', 'The least that is logged.'),
  'admin.token': {
    kind: 'text',
    default: null as string | null,
    secret: true,
    fault: (text) => (ADMIN_TOKEN.test(text) ? undefined : 'must be ad_live_ and 64 lower case hex digits'),
    about: 'The token of the admin; made on the first start, and printed once, when absent.',
  },
  'metrics.access': choice(
    ['admin', 'loopback', 'public'],
    'loopback',
    'Who may read `GET /metrics`: the admin; also whoever asks from this machine without a proxy; everybody.',
  ),
  'limits.message_send_per_min': perMinute(60, 'Messages that'),
  'limits.message_read_per_min': perMinute(300, 'Reads of its inbox that'),
  'limits.state_read_per_min': perMinute(300, 'Reads of the shared state that'),
  'limits.state_write_per_min': perMinute(60, 'Writes to the shared state that'),
  'limits.registry_read_per_min': perMinute(30, 'Reads of the registry that'),
  'limits.operator_registration_per_hour': integer(
    0,
    PER_MIN_MAX,
    5,
    'Operators that one IP address may make in an hour; 0 is no limit.',
  ),
  'auth.argon2_memory_kib': integer(8, 4 * MIB, 19_456, 'Memory of one hash of a token, in KiB.'),
  'auth.argon2_passes': integer(1, 100, 2, 'Passes of one hash.'),
  'auth.argon2_lanes': integer(1, 64, 1, 'Lanes of one hash.'),
  'auth.hash_threads': integer(1, 64, 2, 'Threads that hash.'),
  'auth.hash_queue_max': integer(1, 1_000_000, 1024, 'Hashes that may wait; past it the caller gets 503.'),
  'auth.cache_ttl_ms': integer(0, DAY_MS, 30_000, 'How long a verified token is believed without hashing it again.'),
  'observe.access': choice(
    ['auto', 'public', 'admin', 'off'],
    'auto',
    'Who may observe (`docs/observation.md`): everybody, the admin, nobody; auto is public where `http.host` is a loopback address and there are no `http.trusted_proxies`, and admin elsewhere.',
  ),
  'observe.requests_per_min': integer(
    0,
    PER_MIN_MAX,
    300,
    'Observations that one IP address may make in a minute; 0 is no limit.',
  ),
  'observe.streams_max': integer(0, 10_000, 100, 'Most streams of events at once; a further one gets 503.'),
  'webhooks.in_flight_max': integer(1, 10_000, 100, 'Most pushes to webhooks under way at once.'),
  'webhooks.in_flight_per_endpoint': integer(1, 100, 4, 'The same, to the webhook of one agent.'),
  'webhooks.connect_timeout_ms': integer(10, 60_000, 5000, 'How long the connection of a push may take.'),
  'webhooks.timeout_ms': integer(10, 60_000, 10_000, 'How long a push may take until it is answered.'),
  'webhooks.retries': integer(
    0,
    10,
    3,
    'How often a push that failed is tried again before its message is left to pull.',
  ),
  'webhooks.retry_after_ms': integer(
    1,
    60_000,
    1000,
    'The time before the first of these; each other comes after twice the time of the one before.',
  ),
  'webhooks.circuit_failures': integer(
    1,
    1000,
    5,
    'After so many failed messages in a row a webhook is not tried for a while.',
  ),
  'webhooks.circuit_open_ms': integer(10, DAY_MS, 300_000, 'How long that while is.'),
  'webhooks.allow_private': {
    kind: 'boolean',
    default: false as boolean,
    about:
      'For tests: whether a webhook may be at an address of a private network or of this machine, and without TLS.',
  },
  'event_log.reads': {
    kind: 'boolean',
    default: false as boolean,
    about: 'Whether reads of the shared state and of the registry are events too (`docs/observation.md`).',
  },
  'event_log.retention_days': integer(
    0,
    36_500,
    0,
    'Events that are older go from the event log into archives (`docs/operations.md`); 0 is none.',
  ),
  'event_log.retention_bytes': integer(
    0,
    EXACT_MAX,
    0,
    'While the events in the tables take more, the oldest go into archives; 0 is no bound.',
  ),
  'event_log.archive_dir': {
    kind: 'text',
    default: null as string | null,
    fault: notEmpty,
    about: 'The directory that holds the archives of one event log; when absent, `archive` in `data_dir`.',
  },
  'verification.gate': choice(
    ['pipeline', 'proof_of_work', 'none'],
    'pipeline',
    'The challenge that an agent must answer before it is registered.',
  ),
  'verification.expiry_ms': integer(1000, DAY_MS, 300_000, 'How long a challenge can be answered.'),
  'verification.difficulty_bits': integer(1, 64, 18, 'Leading zero bits that a proof of work must have.'),
  'address.prefix': {
    kind: 'text',
    default: 'tab_' as string,
    fault: (text) =>
      ADDRESS_PREFIX.test(text) ? undefined : 'must be 1 to 15 of [a-z0-9], a letter first, and an underscore',
    about: 'What the address of an agent begins with.',
  },
  'messaging.content_bytes_max': integer(1, 16 * MIB, 65_536, 'The longest content of a message, in bytes.'),
  'messaging.inbox_messages_max': integer(1, 100_000_000, 10_000, 'Most messages in an inbox.'),
  'messaging.inbox_bytes_max': integer(1, EXACT_MAX, 64 * MIB, 'Most bytes in an inbox.'),
  'messaging.overflow': choice(
    ['refuse', 'drop_oldest'],
    'refuse',
    'What a full inbox does: refuse the new message, or drop its oldest.',
  ),
  'state.capacity_bytes': integer(
    0,
    EXACT_MAX,
    1024 * MIB,
    'Most bytes in the shared state, keys and values together.',
  ),
  'state.key_bytes_max': integer(1, 1024, 1024, 'The longest key, in bytes.'),
  'state.value_bytes_max': integer(0, 16 * MIB, MIB, 'The longest value, in bytes.'),
  'memory.api_keys': {
    kind: 'list',
    default: [] as readonly string[],
    secret: true,
    itemFault: (item) =>
      MEMORY_KEY.test(item)
        ? undefined
        : 'must hold keys of 16 to 256 visible ASCII characters, each as key or key@tenant',
    about:
      'The keys of the memory API (`docs/memory.md`), each as `key`, or `key@tenant` where it is good for one tenant alone. Without any it is open, and `http.host` must be a loopback address.',
  },
  'memory.require_tenant': {
    kind: 'boolean',
    default: false as boolean,
    about: 'Whether each call of the memory API must name its tenant.',
  },
  'memory.tenant_header': {
    kind: 'text',
    default: 'X-Tenant-ID' as string,
    fault: (text) => (TENANT_HEADER.test(text) ? undefined : 'must be the name of a header of its own, X-…'),
    about: 'The header that names the tenant.',
  },
  'memory.rate_limit_per_min': integer(
    0,
    PER_MIN_MAX,
    0,
    'Calls of the memory API that one IP address, and one key, may make in a minute; 0 is no limit.',
  ),
  'memory.context_tokens_default': integer(
    1,
    128_000,
    4000,
    'The size of a context whose caller names none, in tokens.',
  ),
  'memory.embeddings.provider': choice(
    ['auto', 'local', 'none'],
    'none',
    'What makes vectors for the memory API (`docs/memory.md`): local is the model of the optional packages, none is to find by words alone, and auto is local where these packages are installed.',
  ),
  'memory.index_bytes_max': integer(
    MIB,
    EXACT_MAX,
    512 * MIB,
    'What the indexes of all subjects may take in memory; those used least lately go first, and are built again.',
  ),
  'memory.kind_ttl_days': {
    kind: 'numbers',
    default: {} as Readonly<Record<string, number>>,
    names: MEMORY_KINDS,
    max: 36_500,
    about: 'Days that a memory of a kind is good for, from its beginning; a kind that is not named has no end.',
  },
  'memory.job_retention_hours': integer(1, 8_760, 168, 'How long a compile job can be asked about after its end.'),
} as const satisfies Readonly<Record<string, ConfigKey>>;

type Table = typeof configTable;
export type ConfigName = keyof Table;

type ValueOf<K> = K extends { readonly kind: 'integer' }
  ? number
  : K extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
    ? C
    : K extends { readonly default: infer D }
      ? D
      : never;

type Camel<S extends string> = S extends `${infer Head}.${infer Tail}`
  ? `${Camel<Head>}${Capitalize<Camel<Tail>>}`
  : S extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<Camel<Tail>>}`
    : S;
type SectionOf<Name extends string> = Name extends `${infer Section}.${string}` ? Section : never;

/** The keys as the program reads them: `config.http.bodyBytesMax`, `config.dataDir`. */
export type Config = {
  readonly [Name in ConfigName as Name extends `${string}.${string}` ? never : Camel<Name>]: ValueOf<Table[Name]>;
} & {
  readonly [Section in SectionOf<ConfigName> as Camel<Section>]: {
    readonly [Name in ConfigName as Name extends `${Section}.${infer Member}` ? Camel<Member> : never]: ValueOf<
      Table[Name]
    >;
  };
};

/** The name of a key in the environment: `http.port` is `TROUPE_HTTP_PORT`. */
export function environmentName(key: ConfigName): string {
  return `TROUPE_${key.replaceAll('.', '_').toUpperCase()}`;
}

/** A key within the program: `message_send_per_min` is `messageSendPerMin`, `embeddings.provider` is `embeddingsProvider`. */
export function camelCase(name: string): string {
  return name.replace(/[_.](\w)/g, (_, letter: string) => letter.toUpperCase());
}
