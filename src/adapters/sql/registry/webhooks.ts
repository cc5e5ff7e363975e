/** Webhooks: their secrets are kept apart, and the entry leaves them out. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Author } from '../../../ports/registry-store.ts'
import type { ChangeOf, Effect, Effects } from './effect.ts'
import { effect } from './effect.ts'
import type { Db } from './rows.ts'

export const ofWebhooks: Effects<'webhook.created' | 'webhook.updated' | 'webhook.deleted'> = {
  'webhook.created': keep,
  'webhook.updated': keep,
  'webhook.deleted': async (db, change) => {
    const { numDeletedRows } = await db.deleteFrom('webhook').where('id', '=', change.webhook).executeTakeFirst()
    if (Number(numDeletedRows) === 0) throw unknownWebhook(change.webhook)
    await db.deleteFrom('delivery').where('webhook', '=', change.webhook).execute()
    return effect(null, null, { webhook: change.webhook })
  },
}

async function keep(
  db: Db,
  { kind, webhook }: ChangeOf<'webhook.created' | 'webhook.updated'>,
  by: Author,
): Promise<Effect> {
  const { id, secret, ...shown } = webhook
  if (kind === 'webhook.created') {
    const document = JSON.stringify({ ...shown, createdAt: by.at, updatedAt: by.at })
    await db.insertInto('webhook').values({ id, document, secret }).execute()
  } else {
    const found = await db.selectFrom('webhook').select('document').where('id', '=', id).executeTakeFirst()
    if (found === undefined) throw unknownWebhook(id)
    const { createdAt } = JSON.parse(found.document) as { readonly createdAt: number }
    const document = JSON.stringify({ ...shown, createdAt, updatedAt: by.at })
    await db.updateTable('webhook').set({ document, secret }).where('id', '=', id).execute()
  }
  return effect(null, null, { webhook: { id, ...shown } })
}

const unknownWebhook = (id: string): SixfoldError =>
  new SixfoldError('SX_UNKNOWN_WEBHOOK', `There is no webhook '${shorten(id)}'.`)
