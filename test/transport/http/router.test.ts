import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Route, type RouteName, routes } from '../../../src/contract/routes.js';
import { Router } from '../../../src/transport/http/router.js';

const router = new Router(routes);

for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
  test(`finds ${route.method} ${route.path}`, () => {
    const path = route.path.replace(/\{\w+\}/, 'some-thing');
    const param = route.path.includes('{') ? 'some-thing' : '';
    assert.deepEqual(router.find(route.method, path), { kind: 'route', name, param });
  });
}

test('a path without parameters wins over one with, but for what only a tail answers (R1)', () => {
  const key = '_capacity';
  assert.deepEqual(router.find('GET', '/v1/state/_capacity'), { kind: 'route', name: 'capacity', param: '' });
  assert.deepEqual(router.find('PUT', '/v1/state/_capacity'), { kind: 'route', name: 'putState', param: key });
  assert.deepEqual(router.find('DELETE', '/v1/state/_capacity'), { kind: 'route', name: 'deleteState', param: key });
  assert.deepEqual(router.find('DELETE', '/v1/agents/me'), { kind: 'wrong_method', allow: 'GET, HEAD, OPTIONS' });
});

test('a key keeps its slashes and escapes, and may be empty; an address has no slash', () => {
  assert.deepEqual(router.find('GET', '/v1/state/a/b%2Fc/'), { kind: 'route', name: 'getState', param: 'a/b%2Fc/' });
  assert.deepEqual(router.find('PUT', '/v1/state/'), { kind: 'route', name: 'putState', param: '' });
  assert.equal(router.find('DELETE', '/v1/agents/').kind, 'unknown');
  assert.equal(router.find('DELETE', '/v1/agents/a/b').kind, 'unknown');
  assert.equal(router.find('POST', '/v1/agents//rotate-token').kind, 'unknown');
});

test('HEAD is answered in the place of GET only where GET changes nothing (R2)', () => {
  assert.equal(router.find('HEAD', '/v1/state/x').kind, 'route');
  assert.equal(router.find('HEAD', '/v1/health').kind, 'route');
  assert.deepEqual(router.find('HEAD', '/v1/messages'), { kind: 'wrong_method', allow: 'POST, GET, OPTIONS' });
  assert.equal(router.find('HEAD', '/v1/agents/verification-challenge').kind, 'wrong_method');
});

test('says which methods a path has', () => {
  assert.deepEqual(router.find('OPTIONS', '/v1/state/x'), {
    kind: 'options',
    allow: 'GET, HEAD, PUT, DELETE, OPTIONS',
  });
  assert.deepEqual(router.find('PATCH', '/v1/messages'), { kind: 'wrong_method', allow: 'POST, GET, OPTIONS' });
});

test('knows no other path', () => {
  for (const path of [
    '',
    '/',
    '*',
    '/v1',
    '/v1/',
    '/v1/healthy',
    '/v1/health/',
    '/V1/health',
    '/v1/stat',
    '/admin/workers//replace',
  ]) {
    assert.equal(router.find('GET', path).kind, 'unknown', path);
  }
});
