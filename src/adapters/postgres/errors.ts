/** What went wrong, in terms of whoever runs the database: whether it can be tried again, and what to do. */
import pg from 'pg'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { reasonOf, unavailable } from '../unavailable.ts'
import type { Place } from './place.ts'

/** The connection is gone, never came to be, or has not answered in time. What was asked may have happened. */
export class ConnectionLost extends Error {}

/** A failure as PostgreSQL's client gives it: with an SQLSTATE, it is the server's answer; without, there was none. */
export function asLost(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) return error
  return new ConnectionLost(reasonOf(error), { cause: error })
}

/**
 * SQLSTATEs of what passes: connections that fail or are ended (08, 57P), too many of them (53300), a lock not had in time (57014,
 * 55P03), transactions that lost a race (40), a standby that is asked in place of the primary during a change (25006), and a
 * transaction that was ended because nothing was heard (25P03).
 */
const passing = /^(08|57P|40|53300|57014|55P03|25006|25P03)/
const full = /^53(100|200)$/
const denied = /^(28|42501|3D000)/
/** Text with a NUL character, or a name that is longer than an index takes. */
const unkeepable = /^(22021|54000)$/

export const passes = (error: unknown): boolean =>
  error instanceof ConnectionLost || (error instanceof pg.DatabaseError && passing.test(error.code ?? ''))

export const isDuplicate = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === '23505'

export function storeError(error: unknown, place: Place): unknown {
  if (isSixfoldError(error)) return error
  const where = `PostgreSQL at ${place.where}`
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
  if (full.test(code))
    return new SixfoldError('SX_STORAGE_FULL', `${where} has no room: ${message}.`, {
      fix: 'Free space on the database server; nothing needs repair.',
      cause: error,
    })
  if (denied.test(code))
    return new SixfoldError('SX_STORE_DENIED', `${where} refuses: ${message}.`, {
      fix: grant(code, message, place),
      cause: error,
    })
  if (unkeepable.test(code))
    return new SixfoldError('SX_REQUEST_INVALID', `${where} cannot keep what was sent: ${message}.`, {
      fix: 'Leave NUL characters out of text, and shorten names.',
      cause: error,
    })
  if (code === '25006')
    return unavailable(
      where,
      'can only be read',
      error,
      'Name the primary: this server is a standby, or was set to read only.',
    )
  if (error instanceof ConnectionLost) return unavailable(where, 'cannot be reached', error)
  if (passes(error)) return unavailable(where, 'cannot be used', error)
  return error
}

function grant(code: string, message: string, { user, database, schema }: Place): string {
  const [who, to] = [`"${user}"`, `"${schema}"`]
  if (code === '3D000') return `As an administrator: create database "${database}" owner ${who};`
  if (code !== '42501') return 'Correct the user in the URL or the password, or let the user in (pg_hba.conf).'
  if (/denied for database/.test(message))
    return `As an administrator: grant create on database "${database}" to ${who};`
  if (/denied for schema/.test(message)) return `As the owner: grant usage, create on schema ${to} to ${who};`
  return `As the owner: grant select, insert, update, delete on all tables in schema ${to} to ${who};`
}
