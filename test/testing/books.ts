// What books promise, under any schedule: one activation, one turn at a time, whole effects or none, and that what was
// acknowledged is there whatever dies.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BooksWorld, type Schedule, schedules } from './books-world.js';
import { type Guarantee, guarantee } from './guarantee.js';

async function play(schedule: Schedule, residentBytesMax?: number): Promise<BooksWorld> {
  const world = new BooksWorld(schedule, residentBytesMax);
  for (const move of schedule.moves) await world.make(move);
  await world.end();
  world.verify();
  return world;
}

export const oneActivation: Guarantee = guarantee(
  'one activation of an address at a time, and nothing of an older epoch is written (G1)',
  schedules({ add: 9, 'add slowly': 1, steps: 6, lose: 2, 'disk fails': 1 }),
  async (schedule) => {
    await play(schedule);
  },
);

export const oneTurn: Guarantee = guarantee(
  'one turn at a time, handlers that are async included (G2)',
  schedules({ add: 3, 'add slowly': 6, fail: 1, steps: 5, crash: 1 }),
  async (schedule) => {
    await play(schedule);
  },
);

export const atomicEffects: Guarantee = guarantee(
  'the effects of a turn are there together or not at all, and seen by nobody before (G5)',
  schedules({ add: 6, 'add slowly': 1, fail: 3, steps: 5, pass: 1, 'disk fails': 3, lose: 1 }),
  async (schedule) => {
    await play(schedule);
  },
);

export const acknowledgedSurvives: Guarantee = guarantee(
  'what a resolved ask has done survives the crash that follows at once (G6)',
  fc.tuple(schedules({ add: 6, 'add slowly': 1, steps: 4, 'disk fails': 1 }), fc.nat({ max: 200 })),
  async ([schedule, stepsBefore]) => {
    const world = new BooksWorld(schedule);
    for (const move of schedule.moves) await world.make(move);
    for (let taken = 0; taken < stepsBefore && (await world.system.step()); taken++) world.verifyAcknowledged();
    world.crash();
    world.verifyAcknowledged();
    await world.end();
    world.verify();
  },
);

export const crashes: Guarantee = guarantee(
  'after crashes everything acknowledged is there once, and nothing else is half there (G7)',
  schedules({ add: 6, 'add slowly': 2, fail: 1, steps: 8, crash: 2, lose: 1, 'disk fails': 1 }),
  async (schedule) => {
    const world = await play(schedule);
    // Actors find the same as who looks at the disk.
    const before = world.items('a');
    world.crash();
    await world.end();
    assert.deepEqual(world.items('a'), before);
    world.verify();
  },
);

const RESIDENT_BYTES_MAX = 500;

export const resident: Guarantee = guarantee(
  'what idle actors keep in memory is bounded, and nothing is lost by their leaving (G10)',
  schedules({ add: 8, steps: 4, crash: 1, 'disk fails': 1 }),
  async (schedule) => {
    const world = await play(schedule, RESIDENT_BYTES_MAX);
    const { residentBytes } = world.system.status;
    assert.ok(residentBytes <= 2 * RESIDENT_BYTES_MAX, `${residentBytes} bytes are resident`);
  },
);
