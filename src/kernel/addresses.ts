/**
 * What kind of place an IP address is: this machine, a private network, or the internet. Whatever is none of these by the registries of
 * special addresses is `special`: nothing is to be sent there on somebody else's word.
 */
import { BlockList, isIP } from 'node:net'

export type Reach = 'loopback' | 'private' | 'special' | 'public'

const listOf = (...ranges: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const [address, prefix] = range.split('/') as [string, string]
    list.addSubnet(address, Number(prefix), familyOf(address))
  }
  return list
}
const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const loopback = listOf('127.0.0.0/8', '::1/128')

/** First: some lie within the private ranges, and one within the public ones. Where clouds tell a machine its secrets is among them. */
const special = listOf(
  '0.0.0.0/8',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  'fd00:ec2::254/128',
)
/** All that is handed out of IPv6 so far. The rest is no place on the internet, or an IPv4 one in disguise. */
const assigned = listOf('2000::/3')
const privately = listOf('10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7')

/** Of what is no address: `special`. */
export function reachOf(address: string): Reach {
  const bare = address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  if (isIP(bare) === 0) return 'special'
  const family = familyOf(bare)
  if (loopback.check(bare, family)) return 'loopback'
  if (special.check(bare, family)) return 'special'
  if (privately.check(bare, family)) return 'private'
  return family === 'ipv4' || assigned.check(bare, family) ? 'public' : 'special'
}

/** Whether only this machine reaches what listens there. A name other than `localhost` is another machine's until it is shown otherwise. */
export const isLoopbackHost = (host: string): boolean =>
  // As nearly every request on this machine says: the lists would cost it a microsecond and a half.
  host === '127.0.0.1' ||
  host === 'localhost' ||
  /^localhost\.?$/i.test(host) ||
  (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 && reachOf(host) === 'loopback')
