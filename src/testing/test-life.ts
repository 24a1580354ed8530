// Test life
//
// One life of one worker: a shard, what waits to come to it and what it has sent, each of which moves when the scheduler
// says so. What a thread of its own would do here, it does in steps.
//
//     inbound ──arrive──▶ shard ──tick──▶ records ──submit──▶ journal ──▶ acknowledgements ──acknowledge──▶ shard
//     heard ────hear────▶   ▲
//     clock ────timer───────┘
//
// Owns:     the queues around a shard.
// Does not: choose (scheduler.ts), or know of the others (test-process.ts).
//
// TL1. A dead life takes no step, reaches nobody, and touches no memory that is shared: its code may still go on.

import type { Counters } from '../runtime/counters.js';
import { Reservations } from '../runtime/counters.js';
import type { Acknowledgement } from '../runtime/journal.js';
import type { Link } from '../runtime/link.js';
import type { Shard } from '../runtime/shard.js';
import { Channel } from './channel.js';
import type { Step } from './scheduler.js';
import type { OwnedClock } from './virtual-clock.js';

/** Of a thread that may be gone while its code goes on here. */
export class MortalReservations extends Reservations {
  isDead = false;

  override reserve(index: number, delta: number, max: number): boolean {
    return !this.isDead && super.reserve(index, delta, max);
  }

  override release(index: number, delta: number): void {
    if (!this.isDead) super.release(index, delta);
  }
}

export interface LifeParts {
  readonly worker: number;
  /** The number of this life, of all lives of the process: what the journal knows it by. */
  readonly source: number;
  readonly clock: OwnedClock;
  readonly counters: Counters;
  /** To the journal, where it has arrived. */
  readonly submit: (batch: ArrayBuffer, generation: number) => void;
  readonly makeShard: (life: TestLife) => Shard;
}

export class TestLife {
  readonly worker: number;
  readonly source: number;
  readonly clock: OwnedClock;
  readonly reservations: MortalReservations;
  readonly shard: Shard;
  /** To and from the outside. */
  readonly down: Channel;
  readonly up: Channel;
  /** The outside's end of the link. */
  front: Link | undefined;
  /** What comes from others, by peer. */
  readonly inbound = new Map<number, Channel>();
  readonly acknowledgements: Acknowledgement[] = [];
  /** Who came and who went. */
  readonly heard: (() => void)[] = [];
  #tick: (() => void) | undefined;
  #records: { readonly batch: ArrayBuffer; readonly generation: number }[] = [];
  #isDead = false;
  readonly #submit: LifeParts['submit'];
  readonly #steps: Readonly<Record<'tick' | 'timer' | 'submit' | 'acknowledge' | 'hear', Step>>;

  constructor({ worker, source, clock, counters, submit, makeShard }: LifeParts) {
    this.worker = worker;
    this.source = source;
    this.clock = clock;
    this.reservations = new MortalReservations(counters);
    this.#submit = submit;
    const of = this.name;
    this.down = new Channel(`outside → ${of}`);
    this.up = new Channel(`${of} → outside`);
    this.#steps = {
      tick: { kind: 'tick', of, take: () => this.#runTick() },
      timer: { kind: 'timer', of, take: () => this.clock.fire() },
      submit: { kind: 'submit', of, take: () => this.#submitNext() },
      acknowledge: { kind: 'acknowledge', of, take: () => this.#hearJournal() },
      hear: { kind: 'hear', of, take: () => this.heard.shift()?.() },
    };
    this.shard = makeShard(this);
  }

  /** Of the worker, and which of its process's lives it is. */
  get name(): string {
    return `worker ${this.worker} (life ${this.source})`;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** The shard asks for a turn of its loop. */
  plan(run: () => void): void {
    this.#tick = run;
  }

  /** The shard sends commit records. */
  send(batch: ArrayBuffer, generation: number): void {
    if (!this.#isDead) this.#records.push({ batch, generation });
  }

  /** Adds the steps that it may take. */
  addSteps(steps: Step[]): void {
    if (this.#isDead) return;
    if (this.#tick !== undefined) steps.push(this.#steps.tick);
    if (this.clock.isDue) steps.push(this.#steps.timer);
    if (this.#records.length > 0) steps.push(this.#steps.submit);
    if (this.acknowledgements.length > 0) steps.push(this.#steps.acknowledge);
    if (this.heard.length > 0) steps.push(this.#steps.hear);
    addArrival(this.down, steps);
    addArrival(this.up, steps);
    for (const channel of this.inbound.values()) addArrival(channel, steps);
  }

  /** The thread ends (TL1). */
  end(): void {
    this.#isDead = true;
    this.reservations.isDead = true;
    this.clock.end();
    this.#tick = undefined;
    this.#records = [];
    this.down.close();
    this.up.close();
  }

  #runTick(): void {
    const run = this.#tick;
    this.#tick = undefined;
    if (run !== undefined) this.clock.tick(run);
  }

  #submitNext(): void {
    const next = this.#records.shift();
    if (next !== undefined) this.#submit(next.batch, next.generation);
  }

  #hearJournal(): void {
    const said = this.acknowledgements.shift();
    if (said === undefined) return;
    switch (said.kind) {
      case 'durable':
        this.shard.durable(said.upTo);
        break;
      case 'applied':
        this.shard.applied(said.upTo, said.group);
        break;
      case 'failed':
        this.shard.commitFailed();
        break;
      default:
        said satisfies never;
    }
  }
}

function addArrival(channel: Channel, steps: Step[]): void {
  if (channel.hasArrival) steps.push({ kind: 'arrive', of: channel.name, take: () => channel.arrive() });
}
