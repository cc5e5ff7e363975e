/** Content addresses: SHA-256 over canonical JSON, so that equal values have equal hashes whatever the order of their keys. */
import { createHash } from 'node:crypto'

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** JSON with sorted keys and no white space. Undefined members are left out; anything JSON cannot hold is an error. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('A number that is not finite has no canonical form.')
    return Object.is(value, -0) ? '0' : String(value)
  }
  if (typeof value === 'bigint') return JSON.stringify(`${value}n`)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  throw new TypeError(`A ${typeof value} has no canonical form.`)
}

export const hashOf = (value: unknown): string => sha256(canonicalJson(value))

/**
 * The first 52 bits of the MD5 of the UTF-8 bytes: exact as a number, uniform, and within reach of every SQL dialect, which
 * share no other hash. Not for secrets.
 */
export const md5Hash52 = (text: string): number =>
  Number.parseInt(createHash('md5').update(text).digest('hex').slice(0, 13), 16)

/** FNV-1a over UTF-16 units, 32 bits: quick, the same everywhere, for spreading keys over few places. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
