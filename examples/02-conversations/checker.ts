// Checker
//
// Judges a run by what its clients saw. Pure: no server, no clock, no files.
//
// K1. Every acknowledged message arrived, under the id that was acknowledged.
// K2. No message arrived twice. In lease mode it may come again until its acknowledgement, never after, and always
//     under the same id.
// K3. Messages of one sender to one recipient arrived in the order sent. In lease mode a message may be late only when
//     an earlier read lost its answer (the server then holds up to READ_LIMIT messages for nobody), so at most
//     READ_LIMIT for each such read.
// K4. A message that was never acknowledged arrived once or not at all; nothing arrived that nobody sent.
// K5. A read of a key gave the value of a write that could be the last: not one that was over before another,
//     acknowledged before the read began, was started. So with one writer it is the last acknowledged value, or that
//     of an attempt made after it whose outcome is unknown.
// K6. A shared number is at least the additions acknowledged, at most those and the unknown ones.
// K7. The server's counters equal a recount.

import {
  type Additions,
  type Arrival,
  type Inbox,
  type Observation,
  READ_LIMIT,
  type Read,
  type Recount,
  type Sent,
  type Write,
} from './observation.js';

export type FindingKind =
  | 'lost'
  | 'duplicate'
  | 'reordered'
  | 'foreign'
  | 'corrupt'
  | 'wrong_value'
  | 'wrong_number'
  | 'wrong_counter'
  /** The play could not go on: an answer that the contract does not allow, or a server that ended or stayed down. */
  | 'broken_off';

export interface Finding {
  readonly kind: FindingKind;
  readonly text: string;
}

/** Everything that is wrong; empty when all promises were kept. Costs O(n log n) of what was observed. */
export function checkRun(observation: Observation, recount: Recount): Finding[] {
  return [
    ...checkMessages(observation.sent, observation.inboxes),
    ...checkValues(observation.writes, observation.reads),
    ...checkNumbers(observation.additions, recount.numbers),
    ...checkRecount(recount),
  ];
}

type Pairs = Map<string, Map<number, Sent>>;

export function checkMessages(sent: readonly Sent[], inboxes: readonly Inbox[]): Finding[] {
  const pairs: Pairs = new Map();
  for (const message of sent) {
    const pair = pairName(message);
    if (!pairs.has(pair)) pairs.set(pair, new Map());
    pairs.get(pair)!.set(message.place, message);
  }
  const findings: Finding[] = [];
  const arrived = new Set<string>();
  for (const inbox of inboxes) findings.push(...checkInbox(inbox, pairs, arrived));
  for (const message of sent) {
    if (message.messageId === null || arrived.has(placeName(message))) continue;
    findings.push({ kind: 'lost', text: `${placeName(message)} was acknowledged and never arrived (K1)` });
  }
  return findings;
}

/** One inbox from its first event to its last. Adds what arrived to `arrived`. */
function checkInbox(inbox: Inbox, pairs: Pairs, arrived: Set<string>): Finding[] {
  const findings: Finding[] = [];
  const firstIds = new Map<string, string>();
  const acked = new Set<string>();
  const highest = new Map<string, number>();
  let lateAllowed = 0;

  const judge = (arrival: Arrival): void => {
    const name = placeName(arrival);
    const fault = foreignOrCorrupt(arrival, inbox, pairs);
    if (fault !== null) findings.push(fault);
    const firstId = firstIds.get(name);
    if (firstId === undefined) {
      firstIds.set(name, arrival.messageId);
      arrived.add(name);
      const pair = pairName(arrival);
      const top = highest.get(pair) ?? -1;
      if (arrival.place > top) highest.set(pair, arrival.place);
      else if (lateAllowed > 0) lateAllowed--;
      else findings.push({ kind: 'reordered', text: `${name} arrived after #${top} (K3)` });
    } else if (inbox.mode === 'consume') {
      findings.push({ kind: 'duplicate', text: `${name} was consumed twice (K2)` });
    } else if (firstId !== arrival.messageId) {
      findings.push({ kind: 'duplicate', text: `${name} arrived under a second id, ${arrival.messageId} (K2)` });
    } else if (acked.has(arrival.messageId)) {
      findings.push({ kind: 'duplicate', text: `${name} came back after its acknowledgement (K2)` });
    }
  };

  for (const event of inbox.events) {
    switch (event.kind) {
      case 'arrived':
        for (const arrival of event.messages) judge(arrival);
        break;
      case 'lost':
        if (inbox.mode === 'lease') lateAllowed += READ_LIMIT;
        break;
      case 'acked':
        for (const id of event.messageIds) acked.add(id);
        break;
      default:
        event satisfies never;
    }
  }
  return findings;
}

function foreignOrCorrupt(arrival: Arrival, inbox: Inbox, pairs: Pairs): Finding | null {
  const name = placeName(arrival);
  if (!arrival.intact) return { kind: 'corrupt', text: `${name} arrived with another text than was sent` };
  const sent = pairs.get(pairName(arrival))?.get(arrival.place);
  if (sent === undefined || arrival.to !== inbox.agent) {
    return { kind: 'foreign', text: `${name} arrived at ${inbox.agent}, and nobody sent it there (K4)` };
  }
  if (sent.messageId !== null && sent.messageId !== arrival.messageId) {
    return {
      kind: 'foreign',
      text: `${name} was acknowledged as ${sent.messageId} and arrived as ${arrival.messageId} (K1)`,
    };
  }
  return null;
}

export function checkValues(writes: readonly Write[], reads: readonly Read[]): Finding[] {
  const byKey = new Map<string, Write[]>();
  for (const write of writes) {
    const writesOfKey = byKey.get(write.key);
    if (writesOfKey === undefined) byKey.set(write.key, [write]);
    else writesOfKey.push(write);
  }
  const findings: Finding[] = [];
  for (const read of reads) {
    const finding = checkRead(read, byKey.get(read.key) ?? []);
    if (finding !== null) findings.push(finding);
  }
  return findings;
}

function checkRead(read: Read, writes: readonly Write[]): Finding | null {
  // The newest start among the writes acknowledged before the read: whoever was over by then has been overwritten.
  let overwrittenBefore = Number.NEGATIVE_INFINITY;
  let expected: string | null = null;
  for (const write of writes) {
    if (write.acknowledged && write.endedAt < read.startedAt && write.startedAt > overwrittenBefore) {
      overwrittenBefore = write.startedAt;
      expected = write.value;
    }
  }
  const possible = writes.some(
    (write) => write.value === read.value && write.startedAt <= read.endedAt && write.endedAt >= overwrittenBefore,
  );
  const neverWritten = read.value === null && overwrittenBefore === Number.NEGATIVE_INFINITY;
  if (possible || neverWritten) return null;
  return { kind: 'wrong_value', text: `${read.key} held ${read.value} where ${expected} was acknowledged (K5)` };
}

export function checkNumbers(additions: readonly Additions[], numbers: Recount['numbers']): Finding[] {
  const bounds = new Map<string, { least: number; most: number }>();
  for (const { key, acknowledged, unknown } of additions) {
    const bound = bounds.get(key) ?? { least: 0, most: 0 };
    bounds.set(key, { least: bound.least + acknowledged, most: bound.most + acknowledged + unknown });
  }
  const findings: Finding[] = [];
  for (const [key, { least, most }] of bounds) {
    const number = numbers[key] ?? 0;
    if (number >= least && number <= most) continue;
    findings.push({ kind: 'wrong_number', text: `${key} is ${number}, and must be from ${least} to ${most} (K6)` });
  }
  return findings;
}

export function checkRecount(recount: Recount): Finding[] {
  const findings: Finding[] = [];
  for (const name of ['usedBytes', 'keyCount', 'listTotal'] as const) {
    const { said, counted } = recount[name];
    if (said === counted) continue;
    findings.push({ kind: 'wrong_counter', text: `${name} says ${said}, a recount gives ${counted} (K7)` });
  }
  return findings;
}

function pairName(message: { readonly from: string; readonly to: string }): string {
  return `${message.from} to ${message.to}`;
}

function placeName(message: { readonly from: string; readonly to: string; readonly place: number }): string {
  return `${pairName(message)} #${message.place}`;
}
