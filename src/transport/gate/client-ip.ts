// Client IP
//
// Whose request it is, behind proxies. Every proxy appends the address that it was called from to X-Forwarded-For, so
// the list is believed from its right end for as long as the one who appended is a proxy that the config names.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Proxies followed back at most: far more than any real chain, and a bound on what one header costs. */
const HOPS_MAX = 32;
const IPV6_NETWORK_PARTS = 4;

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** Gives the client's address for the socket's address and the header. Never throws. */
export type ClientIp = (socketIp: string, forwardedFor: string | undefined) => string;

/** `trustedProxies` are addresses and CIDR blocks. Throws an Error that names the first which is neither. */
export function createClientIp(trustedProxies: readonly string[]): ClientIp {
  const networks = trustedProxies.map(parseNetwork);
  if (networks.length === 0) return (socketIp) => socketIp;
  return (socketIp, forwardedFor) => {
    if (forwardedFor === undefined || !isTrusted(parseAddress(socketIp), networks)) return socketIp;
    return followBack(socketIp, forwardedFor, networks);
  };
}

/** The address itself for IPv4, its /64 for IPv6; the text as it is when it is no address. Never throws. */
export function networkOf(ip: string): string {
  const address = parseAddress(ip);
  if (address === undefined) return ip;
  if (isV4(address)) return address.toString();
  const parts = address.parts.slice(0, IPV6_NETWORK_PARTS).map((part) => part.toString(16));
  return `${parts.join(':')}::/64`;
}

/** The right-most address that is no trusted proxy; the last good one when the rest is malformed or trusted. */
function followBack(socketIp: string, forwardedFor: string, networks: readonly Network[]): string {
  let good = socketIp;
  let end = forwardedFor.length;
  for (let hop = 0; hop < HOPS_MAX && end >= 0; hop++) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const address = parseAddress(withoutPort(forwardedFor.slice(comma + 1, end).trim()));
    if (address === undefined) return good;
    good = address.toString();
    if (!isTrusted(address, networks)) return good;
    end = comma;
  }
  return good;
}

/** Some proxies write `1.2.3.4:567` and `[2001:db8::1]:567`. */
function withoutPort(entry: string): string {
  if (entry.startsWith('[')) {
    const close = entry.indexOf(']');
    return /^(:\d{1,5})?$/.test(entry.slice(close + 1)) ? entry.slice(1, close) : '';
  }
  const colon = entry.indexOf(':');
  const single = colon !== -1 && colon === entry.lastIndexOf(':');
  return single && /^\d{1,5}$/.test(entry.slice(colon + 1)) ? entry.slice(0, colon) : entry;
}

/** An IPv4-mapped IPv6 address is the IPv4 one. Undefined unless it is written in full and without a zone. */
function parseAddress(text: string): Address | undefined {
  // The library alone would also take `127.1` and `0x7f000001`.
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  return ipaddr.process(text);
}

function parseNetwork(text: string): Network {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  const bitsMax = address === undefined || isV4(address) ? 32 : 128;
  const bits = slash === -1 ? bitsMax : wholeNumber(text.slice(slash + 1));
  if (address === undefined || bits === undefined || bits > bitsMax) {
    throw new Error(`a trusted proxy is an IP address or a CIDR block, not ${JSON.stringify(text)}`);
  }
  return [address, bits];
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

function isTrusted(address: Address | undefined, networks: readonly Network[]): boolean {
  if (address === undefined) return false;
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

function isV4(address: Address): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}
