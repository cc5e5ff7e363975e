/** How versions were looked up: what each server said last of itself. */
import type { BatchUse } from '../../../ports/batch-store.ts'
import type { Db } from './rows.ts'
import { neededRun } from './rows.ts'

export async function tellUse(
  db: Db,
  run: string,
  server: string,
  { lookups, hits, keys, at }: BatchUse,
): Promise<void> {
  await neededRun(db, run)
  const said = { lookups, hits, keys, at }
  await db
    .insertInto('batches_use')
    .values({ run, server, ...said })
    .onConflict((conflict) => conflict.columns(['run', 'server']).doUpdateSet(said))
    .execute()
}
