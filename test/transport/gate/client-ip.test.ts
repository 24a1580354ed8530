import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createClientIp, networkOf } from '../../../src/transport/gate/client-ip.js';

const PROXY = '10.0.0.1';
const clientIp = createClientIp(['10.0.0.0/8', '192.0.2.1', '2001:db8:ffff::/48']);

describe('the client of a request', () => {
  it('is the socket when no proxy is trusted, whatever the header says', () => {
    assert.equal(createClientIp([])(PROXY, '203.0.113.7'), PROXY);
  });

  it('is the socket when the socket is no trusted proxy', () => {
    assert.equal(clientIp('203.0.113.9', '198.51.100.1'), '203.0.113.9');
    assert.equal(clientIp('192.0.2.2', '198.51.100.1'), '192.0.2.2');
  });

  it('is the right-most address that is no trusted proxy', () => {
    const cases: [header: string | undefined, client: string][] = [
      [undefined, PROXY],
      ['203.0.113.7', '203.0.113.7'],
      ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
      ['1.1.1.1,203.0.113.7 , 10.2.3.4,192.0.2.1', '203.0.113.7'],
      ['2001:db8::1, 2001:db8:ffff::2', '2001:db8::1'],
      ['203.0.113.7:4711', '203.0.113.7'],
      ['[2001:db8::1]:4711', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:0DB8:0:0::1', '2001:db8::1'],
      ['::ffff:203.0.113.7', '203.0.113.7'],
      ['203.0.113.7, ::ffff:10.1.1.1', '203.0.113.7'],
    ];
    for (const [header, client] of cases) assert.equal(clientIp(PROXY, header), client, header);
  });

  it('is the last good address when the next is malformed or there is none', () => {
    const cases: [header: string, client: string][] = [
      ['', PROXY],
      [',', PROXY],
      ['unknown', PROXY],
      ['203.0.113.7, ', PROXY],
      ['203.0.113.7, nonsense', PROXY],
      ['203.0.113.7, nonsense, 10.9.9.9', '10.9.9.9'],
      ['10.5.5.5, 10.9.9.9', '10.5.5.5'],
      ['127.1', PROXY],
      ['0x7f000001', PROXY],
      ['0177.0.0.1', PROXY],
      ['203.0.113.7/24', PROXY],
      ['203.0.113.7:port', PROXY],
      ['[203.0.113.7', PROXY],
      ['[2001:db8::1]x', PROXY],
      ['fe80::1%eth0', PROXY],
    ];
    for (const [header, client] of cases) assert.equal(clientIp(PROXY, header), client, header);
  });

  it('is an address for any header, and the work on a hostile one is bounded', () => {
    const piece = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('10.0.0.2', ',', ' ', '[', ']', ':'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        assert.notEqual(isIP(clientIp(PROXY, pieces.join(','))), 0);
      }),
      { numRuns: 2000 },
    );
    assert.equal(clientIp(PROXY, `203.0.113.7,${'10.0.0.2,'.repeat(10_000)}10.0.0.3`), '10.0.0.2');
  });

  it('survives a socket without an address', () => {
    assert.equal(clientIp('', '203.0.113.7'), '');
  });
});

describe('a trusted proxy', () => {
  it('is refused by name when it is neither an address nor a block', () => {
    for (const entry of ['', 'proxy', '10.0.0.0/33', '10.0.0.0/', '10/8', '::/129', '10.0.0.0/-1', '1.2.3.4/8/8']) {
      assert.throws(
        () => createClientIp([PROXY, entry]),
        (error) => String(error).includes(`not ${JSON.stringify(entry)}`),
      );
    }
  });

  it('may be any IPv4 or IPv6 address at all', () => {
    assert.equal(createClientIp(['0.0.0.0/0'])('8.8.8.8', '1.1.1.1'), '1.1.1.1');
    assert.equal(createClientIp(['::/0'])('2001:db8::1', '1.1.1.1'), '1.1.1.1');
    assert.equal(createClientIp(['::1'])('::1', '1.1.1.1'), '1.1.1.1');
  });
});

describe('the network of an address', () => {
  it('is the address for IPv4, the /64 for IPv6, and the text itself for anything else', () => {
    assert.equal(networkOf('203.0.113.7'), '203.0.113.7');
    assert.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7');
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(networkOf(''), '');
  });
});
