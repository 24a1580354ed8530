// Outlet
//
// The end of all couriers, in the main thread: attempts come out of the shards, wait for a slot, are sent by a thread of its
// own, and what became of them is told to their endpoints.
//
//     courier ──attempt──▶ slots ──▶ URL and secret, as they are now ──▶ sender's thread
//     endpoint ◀──attempted──────────────────────────────────────────────────┘
//
// Owns:     the streams of the couriers, the slots, the sender's thread, which the first attempt starts.
// Does not: decide what is tried again (the endpoint does), or speak HTTP.
//
// OU1. Each attempt that came is told to be over once; one that nobody hears of is over for its endpoint after a while.
// OU2. URL and secret are read when an attempt begins, and go to the sender's thread alone.
// OU3. What the thread had when it ended is told to be unanswered; another one takes its place, RESTART_PAUSE_MS later.
// OU4. After drain() nothing new begins.

import { Worker } from 'node:worker_threads';
import { type CourierMessages, courierProtocol } from '../../actors/courier/protocol.js';
import { type Attempt, type AttemptResult, endpointProtocol, type WebhookRow } from '../../actors/endpoint/protocol.js';
import type { Clock, Timer } from '../../clock.js';
import type { Fault } from '../../errors.js';
import type { Log } from '../../log.js';
import { Histogram, type Reading } from '../../metrics.js';
import type { ItemOf, ItemReader, StreamingActors } from '../../runtime/ref.js';
import { DeliverySlots } from './delivery-slots.js';
import type { FromSender, SenderThreadData, ToSender } from './protocol.js';

export const RESTART_PAUSE_MS = 1_000;
const LOOK_EVERY_MS = 250;
const REOPEN_MS = 100;
/** A result that finds the way to its endpoint closed is told again after so long, so many times. */
const TELL_AGAIN_MS = 100;
const TELLS_MAX = 100;
const STOP_TIMEOUT_MS = 2_000;
const HEAP_MIB_MAX = 512;

type Name = Pick<Attempt, 'endpoint' | 'id' | 'number'>;

export interface OutletParts {
  readonly actors: StreamingActors;
  /** The row of this agent in `webhook`, as it is now. */
  readonly read: (endpoint: string) => unknown;
  readonly couriers: number;
  readonly inFlightMax: number;
  readonly workerUrl: URL;
  readonly data: SenderThreadData;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OutletFigures {
  readonly inFlight: number;
  readonly waiting: number;
  readonly inFlightMax: number;
  /** That all slots together were busy, since the start. */
  readonly busyMs: number;
  readonly attempts: readonly { readonly outcome: 'delivered' | 'refused' | 'unanswered'; readonly reading: Reading }[];
}

export class WebhookOutlet {
  readonly #parts: OutletParts;
  readonly #slots: DeliverySlots<Attempt>;
  readonly #attempts = { delivered: new Histogram(), refused: new Histogram(), unanswered: new Histogram() };
  /** By courier. */
  readonly #leave = new Map<string, () => void>();
  readonly #timers = new Set<Timer>();
  /** With the thread, by ticket. */
  readonly #sent = new Map<number, Attempt>();
  #toSend: Extract<ToSender, { kind: 'send' }>['pushes'][number][] = [];
  #ticket = 0;
  #thread: Worker | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #look: Timer | undefined;

  constructor(parts: OutletParts) {
    this.#parts = parts;
    this.#slots = new DeliverySlots(parts.inFlightMax);
  }

  /** From now on attempts are taken. */
  start(): void {
    for (let courier = 0; courier < this.#parts.couriers; courier++) this.#attach(String(courier));
  }

  get inFlight(): number {
    return this.#slots.inFlight;
  }

  figures(): OutletFigures {
    const { clock, inFlightMax } = this.#parts;
    return {
      inFlight: this.#slots.inFlight,
      waiting: this.#slots.waiting,
      inFlightMax,
      busyMs: this.#slots.busyMs(clock.monotonic()),
      attempts: (['delivered', 'refused', 'unanswered'] as const).map((outcome) => ({
        outcome,
        reading: this.#attempts[outcome].read(),
      })),
    };
  }

  /** Nothing new begins (OU4); what is under way goes on. */
  drain(): void {
    this.#isDraining = true;
    for (const leave of this.#leave.values()) leave();
    this.#leave.clear();
  }

  async stop(): Promise<void> {
    this.drain();
    for (const timer of this.#timers) timer.cancel();
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.postMessage({ kind: 'stop' } satisfies ToSender);
    const late = this.#parts.clock.after(STOP_TIMEOUT_MS, () => void thread.terminate());
    await ended;
    late.cancel();
  }

  #attach(courier: string): void {
    if (this.#isDraining) return;
    const reader: ItemReader<ItemOf<CourierMessages['attach']['reply']>> = {
      item: (attempt) => this.#take(attempt),
      ended: (_fault: Fault | undefined) => this.#after(REOPEN_MS, () => this.#attach(courier)),
    };
    this.#leave.set(courier, this.#parts.actors.subscribe(courierProtocol, courier, 'attach', null, reader));
  }

  #take(attempt: Attempt): void {
    const now = this.#parts.clock.monotonic();
    if (!this.#isDraining && this.#slots.add(attempt, attempt.standing, attempt.bytes, now)) this.#pump(now);
    else this.#tell(attempt, { kind: 'postponed' });
  }

  #pump(now: number): void {
    if (this.#isDraining) return;
    for (let next = this.#slots.next(now); next !== undefined; next = this.#slots.next(now)) this.#begin(next);
    if (this.#slots.inFlight > 0 || this.#slots.waiting > 0)
      this.#look ??= this.#after(LOOK_EVERY_MS, () => {
        this.#look = undefined;
        const at = this.#parts.clock.monotonic();
        for (const late of this.#slots.look(at)) this.#tell(late, { kind: 'postponed' });
        this.#pump(at);
      });
  }

  #begin(attempt: Attempt): void {
    const row = this.#parts.read(attempt.endpoint);
    // Not in the tables yet, what was written last: it is waited for.
    if (row instanceof Promise)
      row.then(
        (read) => this.#send(attempt, read as WebhookRow | undefined),
        () => this.#over(attempt, { kind: 'postponed' }),
      );
    else this.#send(attempt, row as WebhookRow | undefined);
  }

  #send(attempt: Attempt, row: WebhookRow | undefined): void {
    if (row === undefined) {
      this.#over(attempt, { kind: 'gone' });
      return;
    }
    if (this.#running() === undefined) {
      this.#over(attempt, { kind: 'postponed' });
      return;
    }
    const ticket = ++this.#ticket;
    this.#sent.set(ticket, attempt);
    const { messageId, payload } = attempt;
    if (this.#toSend.push({ ticket, url: row.url, secret: row.secret, messageId, payload }) > 1) return;
    setImmediate(() => {
      const pushes = this.#toSend;
      this.#toSend = [];
      this.#thread?.postMessage({ kind: 'send', pushes } satisfies ToSender);
    });
  }

  #over(attempt: Attempt, result: AttemptResult): void {
    const now = this.#parts.clock.monotonic();
    this.#slots.done(attempt, now);
    if (result.kind === 'answered') {
      const isTaken = result.status >= 200 && result.status < 300;
      this.#attempts[isTaken ? 'delivered' : 'refused'].observe(result.ms);
    } else if (result.kind === 'unanswered') this.#attempts.unanswered.observe(result.ms);
    this.#tell(attempt, result);
    this.#pump(now);
  }

  #tell({ endpoint, id, number }: Name, result: AttemptResult, tells = 1): void {
    const args = { id, number, result };
    if (this.#parts.actors.tell(endpointProtocol, endpoint, 'attempted', args) || tells === TELLS_MAX) return;
    this.#after(TELL_AGAIN_MS, () => this.#tell({ endpoint, id, number }, result, tells + 1));
  }

  #running(): Worker | undefined {
    if (this.#thread === undefined && this.#parts.clock.monotonic() >= this.#notBefore) this.#thread = this.#start();
    return this.#thread;
  }

  #start(): Worker {
    const thread = new Worker(this.#parts.workerUrl, {
      name: 'webhooks',
      workerData: this.#parts.data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    let cause: unknown;
    thread.on('message', ({ results }: FromSender) => {
      for (const { ticket, result } of results) {
        const attempt = this.#sent.get(ticket);
        this.#sent.delete(ticket);
        if (attempt !== undefined) this.#over(attempt, result);
      }
    });
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => this.#ended(cause));
    return thread;
  }

  #ended(cause: unknown): void {
    const { clock, log } = this.#parts;
    this.#thread = undefined;
    if (this.#isDraining) return;
    this.#notBefore = clock.monotonic() + RESTART_PAUSE_MS;
    log.error({ event: 'webhook_sender_lost', error: cause });
    const lost = [...this.#sent.values()];
    this.#sent.clear();
    this.#toSend = [];
    for (const attempt of lost) this.#over(attempt, { kind: 'unanswered', ms: 0 });
  }

  #after(delayMs: number, run: () => void): Timer {
    const timer = this.#parts.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
    return timer;
  }
}
