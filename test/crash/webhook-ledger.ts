// Webhook ledger
//
// What a run with webhooks saw, and what is wrong with it.
//
// Owns:     what was seen, in the order in which it was.
// Does not: see it (webhook-chaos.ts).

export interface SentMessage {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  /** Counts what this sender sent to this recipient. */
  readonly number: number;
}

export type WebhookFindingKind = 'lost' | 'twice' | 'pushed again' | 'reordered' | 'unknown';

export interface WebhookFinding {
  readonly kind: WebhookFindingKind;
  readonly text: string;
}

export interface DeliveredEvent {
  readonly seq: number;
  readonly id: string;
  readonly method: string;
}

export class WebhookLedger {
  readonly #sent = new Map<string, SentMessage>();
  /** Answered with 2xx by the receiver. */
  readonly #taken = new Set<string>();
  readonly #pulled = new Set<string>();
  readonly #delivered = new Map<number, DeliveredEvent>();
  readonly #deliveredIds = new Set<string>();
  readonly #pushedAgain: string[] = [];

  /** The server said that it has it. */
  sent(message: SentMessage): void {
    this.#sent.set(message.id, message);
  }

  /** A push has come. */
  came(id: string): void {
    if (this.#deliveredIds.has(id)) this.#pushedAgain.push(id);
  }

  taken(id: string): void {
    this.#taken.add(id);
  }

  pulled(id: string): void {
    this.#pulled.add(id);
  }

  /** The event log says so: from now on it must not come again. */
  delivered(event: DeliveredEvent): void {
    this.#delivered.set(event.seq, event);
    this.#deliveredIds.add(event.id);
  }

  get sentCount(): number {
    return this.#sent.size;
  }

  /** Sent, and not said to be delivered. */
  get open(): number {
    let open = 0;
    for (const id of this.#sent.keys()) if (!this.#deliveredIds.has(id)) open++;
    return open;
  }

  countOf(method: string): number {
    return [...this.#delivered.values()].filter((event) => event.method === method).length;
  }

  /** As of the end, when nothing is under way any more. */
  findings(): WebhookFinding[] {
    const findings: WebhookFinding[] = this.#pushedAgain.map((id) => ({
      kind: 'pushed again',
      text: `${id} was pushed after the event log said that it was delivered`,
    }));
    const find = (kind: WebhookFindingKind, text: string): void => void findings.push({ kind, text });
    for (const id of this.#sent.keys()) if (!this.#deliveredIds.has(id)) find('lost', `${id} was never delivered`);
    const seen = new Set<string>();
    const newest = new Map<string, number>();
    for (const { id, method } of [...this.#delivered.values()].sort((a, b) => a.seq - b.seq)) {
      if (seen.has(id)) find('twice', `${id} was delivered twice`);
      seen.add(id);
      const message = this.#sent.get(id);
      if (message === undefined) {
        find('unknown', `${id} was delivered, and never accepted`);
        continue;
      }
      const has = method === 'push' ? this.#taken : this.#pulled;
      if (!has.has(id)) find('lost', `${id} is said to be delivered by ${method}, and is not there`);
      if (method !== 'push') continue;
      const lane = `${message.from} ${message.to}`;
      const before = newest.get(lane) ?? -1;
      if (message.number < before)
        find('reordered', `${id}, number ${message.number}, was pushed after number ${before}`);
      newest.set(lane, message.number);
    }
    return findings;
  }
}
