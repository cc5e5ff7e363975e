/**
 * The one way in which the registry changes. In one transaction, with no other that writes beside it: the conditions, the effect, the entry chained
 * to the one before, and what webhooks are to be told.
 */
import { SixfoldError } from '../../../kernel/errors.ts'
import { failpoint } from '../../../kernel/failpoint.ts'
import type { AuditEntry, Author, Change, Webhook } from '../../../ports/registry-store.ts'
import { hashOfEntry, noEntry } from '../../../ports/registry-store.ts'
import { concerns } from '../../../ports/webhook-events.ts'
import { effectOf } from './effects.ts'
import type { Db } from './rows.ts'
import { entryFrom } from './rows.ts'

export async function change(db: Db, wanted: Change, by: Author): Promise<AuditEntry> {
  failpoint('change: begun')
  const seen = await db
    .selectFrom('audit')
    .selectAll()
    .where((where) =>
      where.or([
        where('id', '=', by.id),
        where(
          'number',
          '=',
          where.selectFrom('audit').select((one) => one.fn.max('number').as('last')),
        ),
      ]),
    )
    .orderBy('number')
    .execute()
  const again = seen.find(({ id }) => id === by.id)
  if (again !== undefined) return asked(entryFrom(again), wanted)
  const last = seen.at(-1)

  const effect = await effectOf(db, wanted, by)
  failpoint('change: effect made')
  if ('entry' in effect) return effect.entry
  const { model, version, environment, details, subject } = effect
  const entry = {
    number: (last?.number ?? 0) + 1,
    ...{ id: by.id, at: by.at, actor: by.actor, action: wanted.kind, model, version, environment, reason: by.reason },
    details: JSON.parse(JSON.stringify(details)) as AuditEntry['details'],
    previous: last?.hash ?? noEntry,
  }
  const written: AuditEntry = { ...entry, hash: hashOfEntry(entry) }
  await db
    .insertInto('audit')
    .values({ ...written, details: JSON.stringify(written.details), subject })
    .execute()
  await tell(db, written)
  failpoint('change: before commit')
  return written
}

/** The same id for something else is a mistake that must not pass for an answer. */
function asked(entry: AuditEntry, wanted: Change): AuditEntry {
  if (entry.action === wanted.kind) return entry
  throw new SixfoldError(
    'SX_REGISTRY_CONFLICT',
    `The id ${entry.id} was used for another change, ${entry.action}, which is entry ${entry.number}.`,
    { fix: 'Give each request an id of its own.' },
  )
}

async function tell(db: Db, entry: AuditEntry): Promise<void> {
  const rows = await db.selectFrom('webhook').select(['id', 'document']).execute()
  const concerned = rows.filter(({ document }) => concerns(JSON.parse(document) as Webhook, entry))
  if (concerned.length === 0) return
  await db
    .insertInto('delivery')
    .values(
      concerned.map(({ id }) => ({
        ...{ webhook: id, entry: entry.number, attempts: 0, state: 'waiting', error: null },
        ...{ next: entry.at, taken: 0, settled: null },
      })),
    )
    .execute()
}
