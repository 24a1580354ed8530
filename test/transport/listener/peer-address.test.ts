import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressFromBytes, addressFromText } from '../../../src/transport/listener/peer-address.js';

describe('the address of a peer', () => {
  it('is dotted for 4 bytes', () => {
    assert.equal(addressFromBytes(Uint8Array.of(192, 0, 2, 255)), '192.0.2.255');
  });

  it('is IPv4 for an IPv4-mapped IPv6 address, from bytes and from text', () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7);
    assert.equal(addressFromBytes(mapped), '192.0.2.7');
    assert.equal(addressFromText('::ffff:192.0.2.7'), '192.0.2.7');
  });

  it('is what the system writes for any other 16 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const groups = Array.from({ length: 8 }, (_, i) =>
          Buffer.from(bytes)
            .readUInt16BE(i * 2)
            .toString(16),
        );
        const address = new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
        assert.equal(addressFromBytes(bytes), addressFromText(address));
      }),
    );
  });

  it('is empty for a socket that is dead', () => {
    assert.equal(addressFromBytes(new Uint8Array(0)), '');
    assert.equal(addressFromText(undefined), '');
  });
});
