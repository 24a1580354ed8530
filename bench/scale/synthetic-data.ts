// Synthetic data
//
// A data directory as a server would have left it that registered many agents and saw many events, written straight
// through the store's writer: a million agents in a minute instead of a day. `troupe check` finds nothing wrong with its rows;
// that its events do not tell of all of them is what makes it quick.
//
// Owns:     which rows there are, and that they agree with each other.
// Does not: start a server on them (aged-server.ts).
//
// SD1. Every row that a birth, a message or a write leaves is there: a table less would flatter the server.
// SD2. Rows go in by ascending key, table by table, in large commits.
// SD3. Only `knownTokens` agents have a token that somebody knows; the hashes of the others have the same size.

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { HeadRow, InboxRow } from '../../src/actors/agent/inbox.js';
import { AGENTS, type AgentRow, OPERATORS, type TokenRow } from '../../src/actors/operator/protocol.js';
import type { OperatorRow } from '../../src/actors/operator/state.js';
import { STATE_BYTES, STATE_KEYS } from '../../src/actors/state/protocol.js';
import type { StateRow } from '../../src/actors/state/state.js';
import { createIdSource, newAgentAddress, newId } from '../../src/ids.js';
import type { Key } from '../../src/runtime/actor.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { EVENT_ABOUT_TABLE, EVENT_TYPE_TABLE, indexRows } from '../../src/runtime/event-index.js';
import { tablesDirectory } from '../../src/runtime/storage/data-directory.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { SCHEMA_VERSION } from '../../src/runtime/storage/migrations.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { type BearerToken, mintToken } from '../../src/transport/gate/token.js';
import runHashJob from '../../src/transport/gate/token-hash.js';

export interface SyntheticPlan {
  /** The first operator owns all but SMALL_OPERATOR_AGENTS of them, the second those. */
  readonly agents: number;
  /** At least as many as agents: one is each one's birth, the others are messages sent. */
  readonly events: number;
  readonly stateKeys: number;
  /** Waiting in each inbox, and the UTF-8 bytes of each. */
  readonly messagesPerAgent: number;
  readonly messageBytes: number;
  /** Agents whose token is told; the first of the registry. */
  readonly knownTokens: number;
}

export interface SyntheticAgent {
  readonly address: string;
  readonly token: string;
}

export interface SyntheticData {
  /** In the order of the registry. */
  readonly agents: readonly SyntheticAgent[];
  /** The order key of the agent at this place of the registry: what a cursor holds. */
  orderAt(place: number): string;
  readonly largeOperatorToken: string;
  readonly smallOperatorToken: string;
  /** The order key of the agent in the middle of the large operator's. */
  readonly rows: number;
}

/** What the second operator owns: the measure for the first, who owns the rest. */
export const SMALL_OPERATOR_AGENTS = 100;
/** The state keys are `item/` and this many digits. */
const STATE_KEY_DIGITS = 9;

const ROWS_PER_COMMIT = 20_000;
const BYTES_PER_COMMIT = 8 * 1024 * 1024;
/** 2024-01-01: every agent is a millisecond younger than the one before. */
const BIRTH_MS = 1_704_067_200_000;
const EVENT_CONTENT = 'e'.repeat(40);
const STATE_VALUE = 'v'.repeat(100);
const CHEAPEST_HASH = { memoryKib: 8, passes: 1, lanes: 1 };

/** Writes `directory`, which must not exist, as a server's data directory. 100,000 agents take about 5 s. */
export function writeSyntheticData(directory: string, plan: SyntheticPlan): SyntheticData {
  const tables = tablesDirectory(directory);
  mkdirSync(tables, { recursive: true, mode: 0o700 });
  const store = openLmdbWriter(tables);
  const writer = new RowWriter(store);
  const people = new Population(plan);
  people.writeAgents(writer);
  writeInboxes(writer, people, plan);
  writer.writeAll(people.ownedRows());
  writer.writeAll(people.registryRows());
  writer.writeAll(people.tokenRows());
  writer.writeAll(people.operatorRows());
  writeEvents(writer, people, plan);
  writeEventIndex(writer, people, plan);
  const stateBytes = writeState(writer, people, plan);
  writer.end();
  store.commit((batch) => {
    writeMetaNumber(batch, ['schema'], SCHEMA_VERSION);
    writeMetaNumber(batch, ['epoch'], 1);
    writeMetaNumber(batch, ['seq'], plan.events);
    writeMetaNumber(batch, ['counter', OPERATORS], people.operators.length);
    writeMetaNumber(batch, ['counter', AGENTS], plan.agents);
    writeMetaNumber(batch, ['counter', STATE_KEYS], plan.stateKeys);
    writeMetaNumber(batch, ['counter', STATE_BYTES], stateBytes);
  });
  void store.close();
  const { agents, operators, orders } = people;
  return {
    agents,
    orderAt: (place) => orders[place]!,
    largeOperatorToken: operators[0]!.bearer.token,
    smallOperatorToken: operators[1]!.bearer.token,
    rows: writer.rows,
  };
}

/** The state key of this number: keys are in the order of the numbers. */
export function stateKeyAt(number: number): string {
  return `item/${String(number).padStart(STATE_KEY_DIGITS, '0')}`;
}

type Row = readonly [key: Key, value: unknown];

/** Collects rows into commits (SD2). */
const EVENTS_PER_WRITE = 1000;

class RowWriter {
  readonly #store: Store;
  #waiting: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  #bytes = 0;
  rows = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  writeAll(rows: Iterable<Row>): void {
    for (const [key, value] of rows) this.write(key, value);
  }

  write(key: Key, value: unknown): void {
    this.writeBytes(key, encodeValue(value));
  }

  writeBytes(key: Key, bytes: Uint8Array): void {
    this.#waiting.push({ key: encodeKey(key), value: bytes });
    this.#bytes += bytes.length;
    this.rows++;
    if (this.#waiting.length >= ROWS_PER_COMMIT || this.#bytes >= BYTES_PER_COMMIT) this.end();
  }

  end(): void {
    const rows = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    this.#store.commit((batch) => {
      for (const { key, value } of rows) batch.put(key, value);
    });
  }
}

interface SyntheticOperator {
  readonly id: string;
  readonly bearer: BearerToken;
}

/** Who there is, and the rows of their births. */
class Population {
  readonly operators: readonly SyntheticOperator[];
  readonly agents: readonly SyntheticAgent[];
  /** By place in the registry. */
  readonly addresses: readonly string[];
  readonly orders: readonly string[];
  readonly #lookupIds: readonly string[];
  readonly #known: readonly BearerToken[];
  /** Places in the registry, by address. */
  readonly byAddress: readonly number[];

  constructor({ agents, knownTokens }: SyntheticPlan) {
    this.operators = [newId(), newId()].sort().map((id) => ({ id, bearer: mintToken('operator') }));
    this.#known = Array.from({ length: Math.min(agents, knownTokens) }, () => mintToken('agent'));
    const addresses = Array.from({ length: agents }, () => newAgentAddress('tab_'));
    let now = BIRTH_MS;
    const newOrder = createIdSource(() => now++);
    this.addresses = addresses;
    this.orders = addresses.map(() => newOrder());
    this.#lookupIds = addresses.map((_, place) => this.#known[place]?.lookupId ?? randomBytes(8).toString('hex'));
    this.agents = this.#known.map(({ token }, place) => ({ address: addresses[place]!, token }));
    this.byAddress = placesBy(addresses);
  }

  registeredAt(place: number): number {
    return BIRTH_MS + place;
  }

  ownerOf(place: number): SyntheticOperator {
    return this.operators[place < SMALL_OPERATOR_AGENTS ? 1 : 0]!;
  }

  writeAgents(writer: RowWriter): void {
    for (const place of this.byAddress) {
      const row: AgentRow = {
        operatorId: this.ownerOf(place).id,
        order: this.orders[place]!,
        registeredAt: this.registeredAt(place),
        lookupId: this.#lookupIds[place]!,
        retiredAt: null,
      };
      writer.write(['agent', this.addresses[place]!], row);
    }
  }

  *registryRows(): Iterable<Row> {
    for (const [place, order] of this.orders.entries()) yield [['registry', order], this.#entry(place)];
  }

  *ownedRows(): Iterable<Row> {
    for (const operator of this.operators) {
      for (const [place, order] of this.orders.entries()) {
        if (this.ownerOf(place) === operator) yield [['owned', operator.id, order], this.#entry(place)];
      }
    }
  }

  *operatorRows(): Iterable<Row> {
    for (const { id, bearer } of this.operators) {
      const row: OperatorRow = { contactHash: 'synthetic', createdAt: BIRTH_MS, lookupId: bearer.lookupId };
      yield [['operator', id], row];
      yield [['token', bearer.lookupId], { role: 'operator', id, hash: cheapHash(bearer.token) } satisfies TokenRow];
    }
  }

  *tokenRows(): Iterable<Row> {
    const nobodys = cheapHash(mintToken('agent').token);
    for (const place of placesBy(this.#lookupIds)) {
      const known = this.#known[place];
      const hash = known === undefined ? nobodys : cheapHash(known.token);
      const row: TokenRow = { role: 'agent', id: this.addresses[place]!, hash };
      yield [['token', this.#lookupIds[place]!], row];
    }
  }

  #entry(place: number) {
    return { address: this.addresses[place]!, registeredAt: this.registeredAt(place) };
  }
}

function writeInboxes(writer: RowWriter, people: Population, plan: SyntheticPlan): void {
  const { messagesPerAgent: count, messageBytes } = plan;
  if (count === 0) return;
  const head: HeadRow = { nextSeq: count + 1, count, bytes: count * messageBytes };
  for (const place of people.byAddress) {
    const address = people.addresses[place]!;
    for (let seq = 1; seq <= count; seq++) {
      const content = `${seq} `.padEnd(messageBytes, 'm');
      const row: InboxRow = { messageId: newId(), from: address, content, at: BIRTH_MS + seq, bytes: messageBytes };
      writer.write(['inbox', address, seq], row);
    }
  }
  for (const place of people.byAddress) writer.write(['inbox_head', people.addresses[place]!], head);
}

/** Of the events of writeEvents(): each agent's own birth, then every so many-th message. In the order of the keys. */
function writeEventIndex(writer: RowWriter, people: Population, plan: SyntheticPlan): void {
  const agents = people.addresses.length;
  const file = (table: string, name: string, first: number, step: number, last: number): void => {
    const seqs: number[] = [];
    for (let seq = first; seq <= last; seq += step) seqs.push(seq);
    for (const { key, value } of indexRows(table, name, seqs)) writer.writeBytes(key, value);
  };
  for (const place of people.byAddress) {
    file(EVENT_ABOUT_TABLE, people.addresses[place]!, place + 1, agents, plan.events);
  }
  file(EVENT_TYPE_TABLE, 'agent_registered', 1, 1, Math.min(agents, plan.events));
  file(EVENT_TYPE_TABLE, 'message_sent', agents + 1, 1, plan.events);
}

function writeEvents(writer: RowWriter, people: Population, plan: SyntheticPlan): void {
  const { addresses } = people;
  let events: Uint8Array[] = [];
  const add = (seq: number, event: unknown): void => {
    events.push(encodeValue(event));
    if (events.length < EVENTS_PER_WRITE && seq < plan.events) return;
    for (const { key, value } of eventRows(seq - events.length + 1, events)) writer.writeBytes(key, value);
    events = [];
  };
  for (let seq = 1; seq <= plan.events; seq++) {
    const place = (seq - 1) % addresses.length;
    const address = addresses[place]!;
    if (seq <= addresses.length) {
      const data = { address, operator_id: people.ownerOf(place).id, has_webhook: false };
      add(seq, [people.registeredAt(place), 'agent_registered', address, data]);
    } else {
      const to = addresses[(place + 1) % addresses.length]!;
      const data = { message_id: newId(), from: address, to, content: EVENT_CONTENT, content_length: 40 };
      add(seq, [BIRTH_MS + seq, 'message_sent', address, data]);
    }
  }
}

/** The bytes of all keys and values. */
function writeState(writer: RowWriter, people: Population, { stateKeys }: SyntheticPlan): number {
  let bytes = 0;
  for (let number = 0; number < stateKeys; number++) {
    const key = stateKeyAt(number);
    const by = people.addresses[0]!;
    const row: StateRow = { value: STATE_VALUE, bytes: STATE_VALUE.length, etag: newId(), by, at: BIRTH_MS };
    writer.write(['state', key], row);
    bytes += key.length + STATE_VALUE.length;
  }
  return bytes;
}

/** The places of these texts, in the order of the texts. */
function placesBy(texts: readonly string[]): number[] {
  return Array.from(texts.keys()).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
}

function cheapHash(token: string): string {
  return String(runHashJob({ kind: 'hash', token, params: CHEAPEST_HASH }));
}
