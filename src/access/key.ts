/**
 * The form of a key: `sxk_<id>_<secret>`. The id is no secret: the key is listed, revoked and looked up by it. The secret is random and
 * of 256 bits, so that one SHA-256 is enough to keep it by. The beginning is there for programs that look for leaked secrets.
 */
import { hash, randomInt, timingSafeEqual } from 'node:crypto'

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const random = (length: number): string => Array.from({ length }, () => letters[randomInt(letters.length)]).join('')

export function newKey(): { readonly id: string; readonly key: string } {
  const id = random(10)
  return { id, key: `sxk_${id}_${random(43)}` }
}

const form = /^sxk_([0-9A-Za-z]{10})_[0-9A-Za-z]{43}$/

/** Null for what cannot be a key. */
export const idOfKey = (text: string): string | null => form.exec(text)?.[1] ?? null

export const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer')

/** In the same time, whatever is equal. */
export const sameDigest = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
