// The peer's address as text, the same for both adapters: dotted IPv4, or IPv6 in its shortest form.

import { SocketAddress } from 'node:net';

const MAPPED_PREFIX = '::ffff:';
/** Where the IPv4 address begins in a mapped IPv6 one, in bytes. */
const MAPPED_OFFSET = 12;

/** From the text that Node gives: an IPv4-mapped IPv6 address becomes IPv4. Undefined (a dead socket) becomes empty. */
export function addressFromText(text: string | undefined): string {
  if (text === undefined) return '';
  return text.startsWith(MAPPED_PREFIX) && text.includes('.') ? text.slice(MAPPED_PREFIX.length) : text;
}

/** From 4 or 16 bytes in network order; anything else (a dead socket) becomes empty. */
export function addressFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return dotted(bytes, 0);
  if (bytes.length !== 16) return '';
  if (isMapped(bytes)) return dotted(bytes, MAPPED_OFFSET);
  let address = '';
  for (let i = 0; i < 16; i += 2) {
    const group = ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
    address += i === 0 ? group.toString(16) : `:${group.toString(16)}`;
  }
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i += 1) {
    if (bytes[i] !== 0) return false;
  }
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function dotted(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
