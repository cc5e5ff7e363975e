/**
 * Leases, by the database's clock. A row is a lease that was given; one that has no row, or another token, is lost. Rows are deleted when a lease
 * is given back, or when it ran out long ago: then nobody can say any more that it is theirs.
 */
import type { Expression } from 'kysely'
import { sql } from 'kysely'
import type { Lease, Worker } from '../../../ports/batch-store.ts'
import { tableOf } from '../table.ts'
import type { Db } from './rows.ts'

export interface Held extends Lease {
  readonly holder: string
  readonly call: string
  /** Less than nothing: it ran out. */
  readonly left: number
}

const forgottenMs = 86_400_000

export async function heldNamed(db: Db, name: string, now: Expression<unknown>): Promise<Held | null> {
  const { rows } = await sql<Held>`select name, holder, call, token, until - ${now} as left
    from ${tableOf(db, 'batches_lease')} where name = ${name}`.execute(db)
  return rows[0] ?? null
}

/** All names that are that of the run, or begin with it and a slash: what follows a slash is '0'. */
export async function workers(db: Db, run: string, now: Expression<unknown>): Promise<readonly Worker[]> {
  const name = `run/${run}`
  const { rows } = await sql<Pick<Held, 'name' | 'holder' | 'left'>>`select name, holder, until - ${now} as left
    from ${tableOf(db, 'batches_lease')} where name = ${name} or (name > ${`${name}/`} and name < ${`${name}0`})`.execute(
    db,
  )
  return rows
    .filter(({ left }) => left > 0)
    .map(({ name: lease, holder, left }) => ({
      ...{ holder, leftMs: left },
      partition: lease === name ? null : Number(lease.slice(name.length + 1)),
    }))
    .sort((a, b) => (a.partition ?? -1) - (b.partition ?? -1))
}

/** Whoever had it has lost it. */
export async function give(
  db: Db,
  name: string,
  { holder, call, ms }: { readonly holder: string; readonly call: string; readonly ms: number },
  now: Expression<unknown>,
): Promise<Lease> {
  await sql`delete from ${tableOf(db, 'batches_lease')} where until < ${now} - ${sql.lit(forgottenMs)}`.execute(db)
  const { last: token } = await db
    .updateTable('batches_token')
    .set((was) => ({ last: was('last', '+', 1) }))
    .returning('last')
    .executeTakeFirstOrThrow()
  const until = sql<number>`${now} + ${sql.lit(Math.ceil(ms))}`
  await db
    .insertInto('batches_lease')
    .values({ name, holder, call, token, until })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ holder, call, token, until }))
    .execute()
  return { name, token }
}

export async function isNewest(db: Db, { name, token }: Lease): Promise<boolean> {
  const found = await db.selectFrom('batches_lease').select('token').where('name', '=', name).executeTakeFirst()
  return found?.token === token
}

export async function renew(db: Db, { name, token }: Lease, ms: number, now: Expression<unknown>): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('batches_lease')
    .set({ until: sql<number>`${now} + ${sql.lit(Math.ceil(ms))}` })
    .where('name', '=', name)
    .where('token', '=', token)
    .executeTakeFirst()
  return Number(numUpdatedRows) > 0
}

export async function release(db: Db, { name, token }: Lease): Promise<void> {
  await db.deleteFrom('batches_lease').where('name', '=', name).where('token', '=', token).execute()
}
