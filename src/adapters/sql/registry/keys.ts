/** Keys: kept by their hash, which the entry leaves out. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Effects } from './effect.ts'
import { effect } from './effect.ts'

export const ofKeys: Effects<'key.created' | 'key.revoked'> = {
  'key.created': async (db, change, by) => {
    const { hash, ...shown } = change.key
    await db
      .insertInto('access_key')
      .values({ id: change.key.id, document: JSON.stringify({ ...change.key, at: by.at }), revoked: null })
      .execute()
    return effect(null, null, { key: shown })
  },
  'key.revoked': async (db, change, by) => {
    const { numUpdatedRows } = await db
      .updateTable('access_key')
      .set({ revoked: by.at })
      .where('id', '=', change.key)
      .where('revoked', 'is', null)
      .executeTakeFirst()
    if (Number(numUpdatedRows) === 0)
      throw new SixfoldError('SX_UNKNOWN_KEY', `There is no key '${shorten(change.key)}' in force.`)
    return effect(null, null, { key: change.key })
  },
}
