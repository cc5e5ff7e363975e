/**
 * All keys, in memory: who asks is known without a question to a store. What another process changed is in force after the next
 * `refresh`, within a second; while the store is away, what was known last stays in force, and keys expire all the same.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { AccessKey, RegistryStore } from '../ports/registry-store.ts'
import { digestOf, idOfKey, sameDigest } from './key.ts'
import type { Access, Caller } from './rights.ts'
import { callerOf } from './rights.ts'

export interface KeyRingOptions {
  readonly store: Pick<RegistryStore, 'keys'>
  /** Milliseconds since the epoch by the machine's clock: a replay's would not let keys expire. */
  now(): number
  /** A key that is in no store and may everything: with it the first of the others is made. */
  readonly adminKey: string | null
}

export interface KeyRing {
  refresh(): Promise<void>
  /** Whether there is a key with which anybody could come in. */
  usable(): boolean
  access(required: boolean): Access
}

interface Held extends Pick<AccessKey, 'id' | 'expiresAt' | 'revokedAt'> {
  readonly digest: Buffer
  readonly caller: Caller
}

const challenge = 'Send `Authorization: Bearer KEY`, or KEY as the password of Basic.'
/** Compared with where there is nothing to compare with, so that this takes as long. */
const nobody = Buffer.alloc(32)
const anyone = callerOf('anyone', 'admin', [])

export function keyRing({ store, now, adminKey }: KeyRingOptions): KeyRing {
  let keys: ReadonlyMap<string, Held> = new Map()
  /** An answer that was asked for earlier never replaces a later one. */
  let asked = 0
  let known = 0
  const admin =
    adminKey === null
      ? null
      : {
          digest: digestOf(adminKey),
          caller: callerOf('key:SIXFOLD_ADMIN_KEY', 'admin', [], { key: 'SIXFOLD_ADMIN_KEY' }),
        }

  /** Null for what is no key of ours. Throws for one that no longer is. */
  const holderOf = (text: string): Caller | null => {
    const id = idOfKey(text)
    const held = id === null ? undefined : keys.get(id)
    const digest = digestOf(text)
    if (admin !== null && sameDigest(digest, admin.digest)) return admin.caller
    if (!sameDigest(digest, held?.digest ?? nobody) || held === undefined) return null
    if (held.revokedAt !== null)
      throw new SixfoldError(
        'SX_UNAUTHENTICATED',
        `The key ${held.id} was revoked at ${formatInstant(held.revokedAt)}.`,
      )
    if (held.expiresAt !== null && held.expiresAt <= now())
      throw new SixfoldError('SX_UNAUTHENTICATED', `The key ${held.id} expired at ${formatInstant(held.expiresAt)}.`)
    return held.caller
  }

  return {
    refresh: async () => {
      const turn = ++asked
      const all = await store.keys()
      if (turn < known) return
      known = turn
      keys = new Map(all.map((key) => [key.id, heldOf(key)]))
    },
    usable: () =>
      admin !== null ||
      [...keys.values()].some(
        ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now()),
      ),
    access: (required) => ({
      required,
      identify: (authorization) => {
        const sent = credentialsOf(authorization)
        if (!required) return openTo(sent, holderOf)
        if (authorization === undefined)
          throw new SixfoldError('SX_UNAUTHENTICATED', 'The request has no key.', { fix: challenge })
        if (sent === null)
          throw new SixfoldError('SX_UNAUTHENTICATED', 'The authorization is neither Bearer nor Basic.', {
            fix: challenge,
          })
        const holder = holderOf(sent.key)
        if (holder === null) throw new SixfoldError('SX_UNAUTHENTICATED', 'The key of the request is not a valid one.')
        return holder
      },
    }),
  }
}

const heldOf = ({ id, hash, name, role, models, rate, expiresAt, revokedAt }: AccessKey): Held => ({
  id,
  expiresAt,
  revokedAt,
  digest: Buffer.from(hash, 'hex'),
  caller: callerOf(`key:${name}`, role, models, { key: id, rate }),
})

/** Where nobody needs a key, one names its holder and confines to what it may; whoever has none is known by the name they give. */
function openTo(sent: Credentials | null, holderOf: (key: string) => Caller | null): Caller {
  if (sent === null) return anyone
  try {
    const holder = holderOf(sent.key)
    if (holder !== null) return holder
  } catch {
    // One that was revoked opens no more and no less than none.
  }
  return sent.user === null ? anyone : callerOf(`mlflow:${sent.user}`, 'admin', [])
}

interface Credentials {
  readonly key: string
  /** Of Basic: how the caller calls itself. */
  readonly user: string | null
}

/** Null for what is neither Bearer nor Basic. */
function credentialsOf(authorization: string | undefined): Credentials | null {
  if (authorization === undefined) return null
  const [, scheme, value] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? []
  if (scheme === undefined || value === undefined) return null
  if (scheme.toLowerCase() === 'bearer') return { key: value, user: null }
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) return null
  const user = pair.slice(0, colon)
  return { key: pair.slice(colon + 1), user: /^[\w.@+-]{1,100}$/.test(user) ? user : null }
}
