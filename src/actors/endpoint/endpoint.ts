// Endpoint
//
// Where the pushes of one owner go: it decides what is tried, when, and when it is given up. The owner keeps what it wants
// pushed until it has written down what became of it; the endpoint has it in memory only.
//
//   owner ── offer ──▶ endpoint ── attempt ──▶ courier ──▶ sender
//     ▲  │                │ ▲                                │
//     │  └── confirm ────▶│ └────────── attempted ───────────┘
//     └───── settle ──────┘
//
// Owns:     what it was handed, the circuit, how it stands.
// Does not: send, resolve names, know the URL or the secret, or store what it was handed.
//
// E1. Each delivery that it was handed is told to be settled: delivered, failed, or returned; and again, when asked.
// E2. After a 2xx it does not begin the delivery again in this life, nor in a later one if its owner wrote it down.
// E3. At most `inFlightMax` attempts are under way; one, while it is not proven. So what is new or bad holds one slot.
// E4. While the circuit is open, everything is given up at once; then one delivery is on trial.

import { type Actor, actor, type Handler, type Context as TurnContext } from '../../runtime/actor.js';
import { agentProtocol } from '../agent/protocol.js';
import { courierOf, courierProtocol } from '../courier/protocol.js';
import type { Schedule } from './back-off.js';
import { Circuit, type CircuitBounds } from './circuit.js';
import { type EndpointMessages, endpointProtocol, OPEN_CIRCUITS } from './protocol.js';
import { activateEndpoint, type EndpointState } from './state.js';

export interface EndpointConfig {
  readonly schedule: Schedule;
  readonly circuit: CircuitBounds;
  readonly inFlightMax: number;
  /** Of the system: attempts are spread over them. */
  readonly couriers: number;
}

/** An answer that takes longer does not prove anything. */
export const SLOW_MS = 1_000;
const MAILBOX = { capacity: 1024, bytesMax: 16 * 1024 * 1024 } as const;
const WAKE_TIMER = 'wake';
const STATE_RESIDENT_BYTES = 512;

type Context = TurnContext<EndpointState, EndpointMessages>;
type On<K extends keyof EndpointMessages> = Handler<EndpointState, EndpointMessages, K>;

export function endpointKind(config: EndpointConfig): Actor<EndpointState, EndpointMessages> {
  return actor({
    protocol: endpointProtocol,
    persistence: 'keys',
    tables: ['circuit'],
    counters: [OPEN_CIRCUITS],
    mailbox: MAILBOX,
    state: (context) => activateEndpoint(context, config.schedule, config.circuit),
    residentBytes: ({ queue }) => STATE_RESIDENT_BYTES + queue.residentBytes,
    mayPassivate: ({ queue }) => queue.count === 0,
    messages: {
      offer(context, { deliveries, confirmed }) {
        const { queue } = context.state;
        queue.confirm(confirmed);
        for (const delivery of deliveries) queue.add(delivery);
        return finish(context, config);
      },
      recall(context, { ids }) {
        for (const id of ids) context.state.queue.recall(id);
        return finish(context, config);
      },
      recheck(context, { ids }) {
        for (const id of ids) context.state.queue.recheck(id);
        return finish(context, config);
      },
      renewed(context) {
        context.state.circuit = new Circuit(config.circuit, undefined);
        context.state.standing = 'unproven';
        return finish(context, config);
      },
      end(context) {
        context.state.circuit = new Circuit(config.circuit, undefined);
        context.state.queue.recallAll();
        return finish(context, config);
      },
      attempted: attemptedWithin(config),
      wake(context) {
        const { state, now } = context;
        state.wakeAt = Number.POSITIVE_INFINITY; // It has fired.
        for (const { delivery, number } of state.queue.lost(now)) failed(context, delivery.id, number, false);
        return finish(context, config);
      },
    },
  });
}

function attemptedWithin(config: EndpointConfig): On<'attempted'> {
  return (context, { id, number, result }) => {
    const { state, now } = context;
    switch (result.kind) {
      case 'answered': {
        const isTaken = result.status >= 200 && result.status < 300;
        if (!isTaken) failed(context, id, number, config.schedule.isFinal(result.status));
        else if (state.queue.taken(id)) {
          state.circuit.delivered();
          state.standing = result.ms < SLOW_MS ? 'proven' : 'suspect';
        }
        break;
      }
      case 'unanswered':
        failed(context, id, number, false);
        break;
      case 'postponed':
        state.queue.postponed(id, number, now, context.random());
        break;
      case 'gone':
        state.queue.recallAll();
        state.queue.postponed(id, number, now, context.random());
        break;
      default:
        result satisfies never;
    }
    return finish(context, config);
  };
}

/** An attempt failed. Past a closed circuit no other attempt is made (CI1). */
function failed(context: Context, id: number, number: number, isFinal: boolean): void {
  const { queue, circuit } = context.state;
  const isLast = isFinal || circuit.state(context.now) !== 'closed';
  context.state.standing = 'suspect';
  if (queue.notTaken(id, number, context.now, context.random(), isLast)) circuit.failed(context.now);
}

/** Begins what may begin, tells what was settled, and stores what the circuit is. Called last in every turn. */
function finish(context: Context, config: EndpointConfig): null {
  const { state, now } = context;
  const { queue, circuit } = state;
  const circuitState = circuit.state(now);
  if (circuitState === 'open') queue.failAll();
  else begin(context, config, circuitState === 'trial' || state.standing !== 'proven' ? 1 : config.inFlightMax);
  const outcomes = queue.takeNews();
  if (outcomes.length > 0) {
    const openUntil = circuitState === 'open' ? circuit.openUntil : null;
    context.tell(agentProtocol, context.key, 'settle', { outcomes, openUntil });
  }
  store(context);
  const nextDueAt = queue.nextDueAt(now);
  if (nextDueAt === state.wakeAt) return null;
  state.wakeAt = nextDueAt;
  if (nextDueAt === Number.POSITIVE_INFINITY) context.cancel(WAKE_TIMER);
  else context.schedule(WAKE_TIMER, Math.max(0, nextDueAt - now), 'wake', null);
  return null;
}

function begin(context: Context, { couriers }: EndpointConfig, most: number): void {
  const { standing, queue } = context.state;
  const endpoint = context.key;
  for (const { delivery, number } of queue.begin(context.now, most)) {
    const { id, messageId, payload, bytes } = delivery;
    const attempt = { endpoint, id, number, messageId, payload, bytes, standing };
    context.tell(courierProtocol, courierOf(endpoint, couriers), 'send', attempt);
  }
}

function store(context: Context): void {
  const { state } = context;
  const { row } = state.circuit;
  const { stored } = state;
  if (row?.failures === stored?.failures && row?.openUntil === stored?.openUntil) return;
  const key = ['circuit', context.key] as const;
  if (row === undefined) context.store.delete(key);
  else context.store.put(key, row);
  const opened = Number((row?.openUntil ?? null) !== null) - Number((stored?.openUntil ?? null) !== null);
  if (opened !== 0) context.store.add(OPEN_CIRCUITS, opened);
  state.stored = row;
}
