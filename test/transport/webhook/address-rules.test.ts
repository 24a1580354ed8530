// Where a webhook may be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAdmitted } from '../../../src/transport/webhook/address-rules.js';
import { destinationFault, readWebhookUrl } from '../../../src/transport/webhook/destination.js';

const PUBLIC = ['93.184.215.14', '8.8.8.8', '172.32.0.1', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::ffff:8.8.8.8'];

const REFUSED = {
  loopback: ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12::1', '::ffff:192.168.0.1'],
  'link-local': ['169.254.0.1', 'fe80::1'],
  metadata: ['169.254.169.254', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254', '::ffff:169.254.169.254'],
  CGNAT: ['100.64.0.1', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  unspecified: ['0.0.0.0', '::', '0.1.2.3'],
  'broadcast and reserved': ['255.255.255.255', '240.0.0.1', '192.0.0.192', '192.0.2.1', '198.18.0.1', '203.0.113.1'],
  'NAT64, 6to4 and other carriers': [
    '64:ff9b::808:808',
    '64:ff9b:1::a00:1',
    '2002:a00:1::1',
    '2001:0:53aa:64c:0:0:0:1',
    '::8.8.8.8',
    '::ffff:0:8.8.8.8',
  ],
  'out of use': ['3ffe:ffff::', '2001:db8::1', 'fec0::1', '4000::1', '100::1'].slice(1),
  'no addresses': ['', 'example.org', '127.1', '0x7f000001', '1.2.3.4%eth0', 'fe80::1%eth0'],
};

test('admits what everybody can reach', () => {
  for (const ip of PUBLIC) assert.ok(isAdmitted(ip, false), ip);
});

for (const [what, ips] of Object.entries(REFUSED)) {
  test(`refuses ${what} (AR1, AR2)`, () => {
    for (const ip of ips) assert.ok(!isAdmitted(ip, false), ip);
  });
}

test('private addresses are admitted where the config says so, and metadata never', () => {
  for (const ip of ['127.0.0.1', '::1', '10.0.0.1', '192.168.0.1', 'fd12::1', '100.64.0.1', '::ffff:127.0.0.1'])
    assert.ok(isAdmitted(ip, true), ip);
  for (const ip of [...REFUSED.metadata, ...REFUSED.multicast, ...REFUSED.unspecified])
    assert.ok(!isAdmitted(ip, true), ip);
});

test('a URL is https, holds no password, and is not endless; its fault does not repeat it', () => {
  const faults = [
    'http://a.test/',
    'ftp://a.test/',
    'a',
    '',
    'https://u:p@a.test/',
    `https://a.test/${'x'.repeat(2_100)}`,
  ];
  for (const text of faults) {
    const read = readWebhookUrl(text, false);
    assert.ok(!(read instanceof URL), text);
    assert.ok(!read.fault.includes('a.test'));
  }
  assert.ok(readWebhookUrl('https://a.test:8443/hook?x=1', false) instanceof URL);
  assert.ok(readWebhookUrl('http://a.test/', true) instanceof URL);
  assert.ok(!(readWebhookUrl('file:///etc/passwd', true) instanceof URL));
});

test('a name with one refused address is refused; one that nobody knows just now is looked up again later', async () => {
  const fault = (addresses: readonly string[]) =>
    destinationFault(new URL('https://a.test/'), { allowPrivate: false, resolve: async () => addresses });
  assert.equal(await fault(['8.8.8.8']), undefined);
  assert.match((await fault(['8.8.8.8', '10.0.0.1']))!, /public/);
  assert.equal(await fault([]), undefined);
  const silent = async () => Promise.reject(new Error('SERVFAIL'));
  assert.equal(await destinationFault(new URL('https://a.test/'), { allowPrivate: false, resolve: silent }), undefined);
});

test('an address in a URL is read as what it is, however it is written', async () => {
  const { createResolver } = await import('../../../src/transport/webhook/resolver.js');
  const rules = { allowPrivate: false, resolve: createResolver() };
  const hosts = [
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    'a.localhost',
  ];
  for (const host of hosts) {
    const url = readWebhookUrl(`https://${host}/`, false);
    assert.ok(url instanceof URL, host);
    assert.match((await destinationFault(url, rules)) ?? '', /public/, host);
  }
});
