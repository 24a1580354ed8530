// Event fold
//
// What all events of the log together say there must be: each effect has its event, and each event its effect. The other
// side, what there is, is recounted from the tables.
//
// EF1. It is told every event from the first, once and in order; what it keeps grows with agents and keys, not with events.
// EF2. Contents are not compared: they may be taken back.

import type { AgentRow } from '../actors/operator/protocol.js';
import { AGENTS, OPERATORS } from '../actors/operator/protocol.js';
import { STATE_KEYS } from '../actors/state/protocol.js';
import type { Audit } from './findings.js';

interface Head {
  readonly count: number;
}

export class EventFold {
  #operators = 0;
  /** Agents that live, with the messages that were sent to each and have not left. */
  readonly #waiting = new Map<string, number>();
  readonly #keys = new Set<string>();

  take(type: string, about: string | null, data: Readonly<Record<string, unknown>>): void {
    switch (type) {
      case 'operator_created':
        this.#operators++;
        break;
      case 'agent_registered':
        this.#waiting.set(String(about), 0);
        break;
      case 'agent_retired':
        this.#waiting.delete(String(about));
        break;
      case 'message_sent':
        this.#moved(String(data.to), 1);
        break;
      case 'message_delivered':
      case 'message_dropped':
        this.#moved(String(data.to), -1);
        break;
      case 'state_written':
        this.#keys.add(String(data.key));
        break;
      case 'state_deleted':
        this.#keys.delete(String(data.key));
        break;
      default:
      // What is not told of here leaves nothing in the tables that could be counted.
    }
  }

  /** After all events: what the tables should have, beside what they have. */
  compare(audit: Audit): void {
    const differs = (what: string, inEvents: number): void => {
      const found = audit.metaNumber('counter', what);
      if (found !== inEvents)
        audit.report(['event'], `by the events there are ${inEvents} ${what}; there are ${found}`);
    };
    differs(OPERATORS, this.#operators);
    differs(AGENTS, this.#waiting.size);
    differs(STATE_KEYS, this.#keys.size);
    for (const key of this.#keys) {
      if (audit.lookup(['state', key]) === undefined) audit.report(['state', key], 'it was written, and is not there');
    }
    for (const [address, waiting] of this.#waiting) {
      const agent = audit.lookup(['agent', address]) as AgentRow | undefined;
      if (agent === undefined || agent.retiredAt !== null) {
        audit.report(['agent', address], 'it was registered and not retired, and does not live');
        continue;
      }
      const { count } = (audit.lookup(['inbox_head', address]) ?? { count: 0 }) as Head;
      if (count === waiting) continue;
      audit.report(['inbox_head', address], `by the events ${waiting} messages wait; there are ${count}`);
    }
  }

  #moved(address: string, by: number): void {
    const waiting = this.#waiting.get(address);
    // What a retired agent was sent goes with it.
    if (waiting !== undefined) this.#waiting.set(address, waiting + by);
  }
}
