// Session checker
//
// Judges a chaos run by its ledger. Pure: no server, no clock, no files.
//
// C1. Every acknowledged message arrived, under the id that was acknowledged.
// C2. Each message arrived once: no message id, and nothing that was sent, arrived a second time, under whatever seq.
// C3. What was never acknowledged arrived once or not at all, and nothing arrived that nobody sent, or not as it was sent.
// C4. Of one agent's messages to another, one that was begun when another was acknowledged has the higher seq; and so has
//     the later of two that were said once, on one connection, and acknowledged there.
// C5. The seqs of an agent grow by one, from 1, without gaps.
// C6. A frame that came again was of the same message as the first time, said so, and came only to a client that had not
//     said what it has.
// C7. Nothing happened that the contract does not allow.

import {
  readContent,
  type SessionArrival,
  type SessionInbox,
  type SessionLedger,
  type SessionSend,
} from './session-ledger.js';

export type SessionFindingKind = 'lost' | 'duplicate' | 'reordered' | 'foreign' | 'gap' | 'repeated' | 'breach';

export interface SessionFinding {
  readonly kind: SessionFindingKind;
  readonly text: string;
}

export type Judged = Pick<SessionLedger, 'sends' | 'inboxes' | 'breaches'>;

type Named = Pick<SessionSend, 'from' | 'to' | 'place'>;
const nameOf = ({ from, to, place }: Named) => `${from} to ${to} #${place}`;

/** Everything that is wrong; empty when all promises were kept. Costs O(n) of what was seen. */
export function checkSessions({ sends, inboxes, breaches }: Judged): SessionFinding[] {
  const findings: SessionFinding[] = breaches.map(({ agent, text }) => ({ kind: 'breach', text: `${agent}: ${text}` }));
  const sent = new Map(sends.map((send) => [nameOf(send), send]));
  const arrived = new Set<string>();
  for (const inbox of inboxes) {
    const found = inbox.arrivals.map((arrival) => sendOf(arrival, sent));
    findings.push(...checkSeqs(inbox), ...checkRepeats(inbox), ...checkOnce(inbox, found, arrived));
    findings.push(...checkOrder(found));
  }
  for (const send of sends) {
    if (send.messageId === null || arrived.has(nameOf(send))) continue;
    findings.push({ kind: 'lost', text: `${nameOf(send)} was acknowledged and never arrived (C1)` });
  }
  return findings;
}

/** What it is, by its content; undefined when nobody sent it. */
function sendOf({ content }: SessionArrival, sent: ReadonlyMap<string, SessionSend>): SessionSend | undefined {
  const named = readContent(content);
  return named && sent.get(nameOf(named));
}

function checkSeqs({ agent, arrivals }: SessionInbox): SessionFinding[] {
  const findings: SessionFinding[] = [];
  let last = 0;
  for (const { seq } of arrivals) {
    if (seq !== last + 1) findings.push({ kind: 'gap', text: `${agent} got seq ${seq} after ${last} (C5)` });
    last = seq;
  }
  return findings;
}

function checkOnce(
  { agent, arrivals }: SessionInbox,
  found: readonly (SessionSend | undefined)[],
  arrived: Set<string>,
): SessionFinding[] {
  const findings: SessionFinding[] = [];
  const ids = new Set<string>();
  for (const [index, arrival] of arrivals.entries()) {
    const { messageId, seq } = arrival;
    const send = found[index];
    const fault = send === undefined ? `${messageId} is nothing that was sent` : foreignness(arrival, agent, send);
    if (fault !== undefined) findings.push({ kind: 'foreign', text: `${agent} got seq ${seq}: ${fault} (C3)` });
    const name = send === undefined ? messageId : nameOf(send);
    if (ids.has(messageId) || arrived.has(name)) {
      findings.push({ kind: 'duplicate', text: `${name} arrived again, as seq ${seq} under ${messageId} (C2)` });
    }
    ids.add(messageId);
    arrived.add(name);
  }
  return findings;
}

function foreignness({ messageId, from }: SessionArrival, agent: string, send: SessionSend): string | undefined {
  if (send.to !== agent || send.from !== from) return `${nameOf(send)} arrived at ${agent} as from ${from}`;
  if (send.messageId === null || send.messageId === messageId) return undefined;
  return `${nameOf(send)} was acknowledged as ${send.messageId} and arrived as ${messageId}`;
}

/** `found`: what one agent got, in the order of its seqs. */
function checkOrder(found: readonly (SessionSend | undefined)[]): SessionFinding[] {
  const findings: SessionFinding[] = [];
  const latestBegun = new Map<string, SessionSend>();
  const latestOfConnection = new Map<string, SessionSend>();
  for (const send of found) {
    if (send === undefined) continue;
    const begun = latestBegun.get(send.from);
    if (begun !== undefined && begun.begunAt > send.ackedAt) findings.push(reordered(send, begun));
    if (begun === undefined || send.begunAt > begun.begunAt) latestBegun.set(send.from, send);
    if (send.connection === null) continue;
    const said = latestOfConnection.get(send.connection);
    if (said !== undefined && said.begunAt > send.begunAt) findings.push(reordered(send, said));
    else latestOfConnection.set(send.connection, send);
  }
  return findings;
}

function reordered(late: SessionSend, early: SessionSend): SessionFinding {
  return { kind: 'reordered', text: `${nameOf(late)} arrived after #${early.place} (C4)` };
}

function checkRepeats({ agent, arrivals, repeats }: SessionInbox): SessionFinding[] {
  if (repeats.length === 0) return [];
  const findings: SessionFinding[] = [];
  const bySeq = new Map(arrivals.map(({ seq, messageId }) => [seq, messageId]));
  for (const { seq, messageId, redelivered, told } of repeats) {
    const first = bySeq.get(seq);
    const faults: string[] = [];
    if (first !== messageId) faults.push(`it was ${first} and is now ${messageId}`);
    if (!redelivered) faults.push('it is not said to be a repeat');
    if (told) faults.push('the client had said that it has it');
    for (const fault of faults)
      findings.push({ kind: 'repeated', text: `${agent} got seq ${seq} again: ${fault} (C6)` });
  }
  return findings;
}
