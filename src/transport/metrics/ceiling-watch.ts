// Ceiling watch
//
// Takes the snapshots that the ceilings are calculated from, one every SNAPSHOT_MS.
//
// CW1. A snapshot that fails is left out; the next one comes all the same, until stop().

import type { Clock, Timer } from '../../clock.js';
import type { Ceiling } from '../../contract/server.js';
import { sumOf } from '../../metrics.js';
import { type CeilingSnapshot, Ceilings, SNAPSHOT_MS } from './ceilings.js';
import type { FrontMeter, RequestName } from './front-meter.js';
import type { MetricsSource } from './metrics-source.js';

const STATE_WRITES: readonly RequestName[] = ['putState', 'deleteState', 'session.state.put', 'session.state.delete'];
const REGISTRY_PAGES: readonly RequestName[] = ['registry', 'session.registry'];

export interface CeilingWatchOptions {
  readonly source: MetricsSource;
  readonly meter: FrontMeter;
  readonly clock: Clock;
  /** A snapshot could not be taken. */
  readonly onDefect: (error: unknown) => void;
}

export class CeilingWatch {
  readonly #options: CeilingWatchOptions;
  readonly #ceilings = new Ceilings();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: CeilingWatchOptions) {
    this.#options = options;
  }

  /** Resolves when the first snapshot is taken. */
  async start(): Promise<void> {
    try {
      this.#ceilings.add(await this.#snapshot());
    } catch (error) {
      if (!this.#isStopped) this.#options.onDefect(error);
    }
    if (this.#isStopped) return;
    this.#timer = this.#options.clock.after(SNAPSHOT_MS, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** As of now. */
  async rows(): Promise<Ceiling[]> {
    return this.#ceilings.rows(await this.#snapshot());
  }

  async #snapshot(): Promise<CeilingSnapshot> {
    const { source, meter, clock } = this.#options;
    const { mailboxes, unappliedBytes } = await source.standing();
    const { cpuMs, cores, rssBytes, ramBytes } = source.process();
    const webhooks = source.webhooks();
    const requests = meter.requests();
    const ofRoutes = (routes: readonly RequestName[]) =>
      sumOf(requests.filter(({ route }) => routes.includes(route)).map(({ reading }) => reading));
    return {
      atMs: clock.monotonic(),
      now: clock.now(),
      stateWrites: ofRoutes(STATE_WRITES),
      eventAppends: source.counted().eventAppends,
      registryPages: ofRoutes(REGISTRY_PAGES),
      hashMs: meter.hashes.read().sumMs,
      cpuMs,
      cores,
      webhookBusyMs: webhooks.busyMs,
      webhookSlots: webhooks.inFlightMax,
      queuedBytes: mailboxes.bytes + unappliedBytes,
      rssBytes,
      ramBytes,
    };
  }
}
