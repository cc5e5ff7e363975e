/** What webhooks are to be told: written with each change, and taken in order by whoever delivers. */
import { sql } from 'kysely'
import type { Delivery, RegistryStore, Webhook } from '../../../ports/registry-store.ts'
import { tableOf } from '../table.ts'
import type { AuditRow, Db } from './rows.ts'
import { entryFrom } from './rows.ts'

const states = ['waiting', 'delivered', 'given up'] as const

export const webhookFrom = ({
  id,
  document,
  secret,
}: {
  id: string
  document: string
  secret: string | null
}): Webhook => ({
  ...(JSON.parse(document) as Omit<Webhook, 'id' | 'secret'>),
  id,
  secret,
})

export async function webhooks(db: Db): Promise<readonly Webhook[]> {
  return (await db.selectFrom('webhook').selectAll().orderBy('id').execute()).map(webhookFrom)
}

type Row = Omit<AuditRow, 'id'> & {
  delivery: number
  entry_id: string
  attempts: number
  state: Delivery['state']
  delivery_error: string | null
  next: number | null
  settled: number | null
  webhook_id: string
  document: string
  secret: string | null
}

const deliveryFrom = (row: Row): Delivery => {
  const { delivery, entry_id, attempts, state, delivery_error, next, settled, webhook_id, document, secret, ...entry } =
    row
  return {
    id: delivery,
    webhook: webhookFrom({ id: webhook_id, document, secret }),
    entry: entryFrom({ ...entry, id: entry_id }),
    attempts,
    state,
    error: delivery_error,
    nextAt: next,
    settledAt: settled,
  }
}

const selected = (db: Db) => sql`
  select one.id as delivery, one.attempts, one.state, one.error as delivery_error, one.next, one.settled,
    hook.id as webhook_id, hook.document, hook.secret,
    audit.number, audit.id as entry_id, audit.at, audit.actor, audit.action, audit.model, audit.version, audit.environment,
    audit.reason, audit.details, audit.previous, audit.hash, audit.subject
  from ${tableOf(db, 'delivery')} as one
  join ${tableOf(db, 'webhook')} as hook on hook.id = one.webhook
  join ${tableOf(db, 'audit')} as audit on audit.number = one.entry`

/** Whether there is anything to take: most of the time there is not, and to ask so costs no write. */
export async function isWaiting(db: Db): Promise<boolean> {
  const found = await db.selectFrom('delivery').select('id').where('state', '=', 'waiting').limit(1).executeTakeFirst()
  return found !== undefined
}

export async function takeDeliveries(
  db: Db,
  limit: number,
  now: number,
  leaseMs: number,
): Promise<readonly Delivery[]> {
  const { rows } = await sql<Row>`${selected(db)}
    where one.id in (
        select (select min(id) from ${tableOf(db, 'delivery')} as waits where waits.webhook = asked.id and waits.state = 'waiting')
        from ${tableOf(db, 'webhook')} as asked)
      and one.next <= ${now} and one.taken <= ${now} order by one.id`.execute(db)
  const due = rows
    .map(deliveryFrom)
    .filter(({ webhook }) => webhook.active)
    .slice(0, limit)
  if (due.length > 0)
    await db
      .updateTable('delivery')
      .set({ taken: now + leaseMs })
      .where(
        'id',
        'in',
        due.map(({ id }) => id),
      )
      .execute()
  return due
}

export async function settleDelivery(
  db: Db,
  id: number,
  { error, next }: Parameters<RegistryStore['settleDelivery']>[1],
  at: number,
): Promise<void> {
  const [waiting, delivered, givenUp] = states
  await db
    .updateTable('delivery')
    .set((was) => ({
      attempts: was('attempts', '+', 1),
      state: next !== null ? waiting : error === null ? delivered : givenUp,
      error,
      next,
      taken: 0,
      settled: next === null ? at : null,
    }))
    .where('id', '=', id)
    .execute()
}

export async function deliveries(db: Db, webhook: string, limit: number): Promise<readonly Delivery[]> {
  const { rows } =
    await sql<Row>`${selected(db)} where one.webhook = ${webhook} order by one.id desc limit ${limit}`.execute(db)
  return rows.map(deliveryFrom)
}
