// Address rules
//
// Which addresses a webhook may be at: those that everybody in the world can reach. Everything else would let whoever
// registers an agent make this server talk to what lies behind its own walls.
//
// AR1. What is not known to be public is refused.
// AR2. An IPv6 address that stands for an IPv4 one (mapped) is held to the rules of that one; other ways to carry an IPv4
//      address within an IPv6 one (NAT64, 6to4, Teredo, compatible) are refused, whatever they carry.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What `webhooks.allow_private` admits beside: never link-local, where the metadata of clouds is. */
const PRIVATE_RANGES: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal', 'carrierGradeNat']);
/** Services of a cloud for its own machines, at addresses that look public. */
const METADATA: ReadonlySet<string> = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254']);
/** All that is given out for use in the world (RFC 4291): 2000::/3. */
const GLOBAL_IPV6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** Whether a webhook may be at this IP address, as text without brackets. False for what is none. */
export function isAdmitted(ip: string, allowPrivate: boolean): boolean {
  const family = isIP(ip);
  if (family === 0 || ip.includes('%')) return false;
  // In its one form: of `::8.8.8.8` the library makes a mapped address, which it is not.
  const address = ipaddr.process(family === 4 ? ip : new URL(`http://[${ip}]/`).hostname.slice(1, -1));
  if (METADATA.has(address.toString())) return false;
  const range = address.range();
  if (range === 'unicast') return isV4(address) || address.match(GLOBAL_IPV6);
  return allowPrivate && PRIVATE_RANGES.has(range);
}

function isV4(address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}
