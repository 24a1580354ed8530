import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../../src/contract/routes.js';
import { checker } from '../../../src/contract/schema.js';
import { Status } from '../../../src/contract/server.js';
import { inWorld } from './http-world.js';

test('health tells the version to anyone', () =>
  inWorld({}, async (world) => {
    const response = await world.request('/v1/health');
    assert.deepEqual(await response.json(), { status: 'ok', version: '1.2.3' });
  }));

test('the OpenAPI document is served to anyone and has every path', () =>
  inWorld({}, async (world) => {
    const document = (await (await world.request('/openapi.json')).json()) as { openapi: string; paths: object };
    assert.match(document.openapi, /^3\.1/);
    for (const route of Object.values(routes)) assert.ok(route.path in document.paths, route.path);
  }));

test('an admin sees the status, with what the contract promises and what the process adds', () =>
  inWorld({}, async (world) => {
    const body = (await (await world.request('/admin/status', { as: 'admin' })).json()) as Record<string, unknown>;
    assert.equal(body.workers, 2);
    const shape = checker(Status);
    assert.ok(shape.check(body), shape.fault(body));
  }));

test('an admin replaces a worker that there is', () =>
  inWorld({}, async (world) => {
    const replace = (worker: string) =>
      world.request(`/admin/workers/${worker}/replace`, { method: 'POST', as: 'admin', json: {} });
    assert.deepEqual(await (await replace('1')).json(), { worker: 1, replaced: true });
    for (const none of ['2', '-1', 'x', '1e0', '00001', '%31']) assert.equal((await replace(none)).status, 404, none);
    const other = await world.request('/admin/workers/1/replace', { method: 'POST', as: 'agent', json: {} });
    assert.equal(other.status, 401);
  }));
