/** Which artifacts something refers to, and those that are being collected because nothing does. */
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { condemnedMs } from '../../../ports/registry-store.ts'
import { tableOf } from '../table.ts'
import type { Effects } from './effect.ts'
import { effect } from './effect.ts'
import type { Db } from './rows.ts'

const atOnce = 500

function* some<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += atOnce) yield all.slice(from, from + atOnce)
}

/** Rejects with SX_ARTIFACT_CONDEMNED. `owner` null: what refers is kept elsewhere, in the same transaction. */
export async function refer(db: Db, artifacts: readonly string[], owner: string | null): Promise<void> {
  const wanted = [...new Set(artifacts)]
  for (const these of some(wanted)) {
    const condemned = await db.selectFrom('condemned').select('artifact').where('artifact', 'in', these).execute()
    if (condemned.length > 0)
      throw new SixfoldError(
        'SX_ARTIFACT_CONDEMNED',
        `${condemned.length === 1 ? 'The artifact' : 'Artifacts'} ${condemned.map(({ artifact }) => artifact).join(', ')} ${condemned.length === 1 ? 'is' : 'are'} being collected.`,
        { details: { artifacts: condemned.map(({ artifact }) => artifact) } },
      )
    if (owner !== null)
      await db
        .insertInto('artifact_reference')
        .values(these.map((artifact) => ({ artifact, owner })))
        .onConflict((conflict) => conflict.columns(['artifact', 'owner']).doNothing())
        .execute()
  }
}

/** Nothing of that owner is referred to any more by it. */
export async function unrefer(db: Db, owner: string): Promise<void> {
  await db.deleteFrom('artifact_reference').where('owner', '=', owner).execute()
}

export async function references(db: Db): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ artifact: string }>`select artifact from ${tableOf(db, 'artifact_reference')}
    union select sha256 from ${tableOf(db as never, 'tracked_file' as never)}`.execute(db)
  return new Set(rows.map(({ artifact }) => artifact))
}

export async function condemn(db: Db, artifacts: readonly string[], at: number): Promise<readonly string[]> {
  const condemned: string[] = []
  for (const these of some(artifacts)) {
    const { rows } = await sql<{ artifact: string }>`
      select artifact from ${tableOf(db, 'artifact_reference')} where artifact in (${sql.join(these)})
      union select sha256 from ${tableOf(db as never, 'tracked_file' as never)} where sha256 in (${sql.join(these)})
      union select artifact from ${tableOf(db, 'condemned')} where artifact in (${sql.join(these)})
        and collected = 0 and at > ${at - condemnedMs}`.execute(db)
    const not = new Set(rows.map(({ artifact }) => artifact))
    const free = these.filter((artifact) => !not.has(artifact))
    if (free.length === 0) continue
    await db
      .insertInto('condemned')
      .values(free.map((artifact) => ({ artifact, at, collected: 0 })))
      .onConflict((conflict) => conflict.column('artifact').doUpdateSet({ at, collected: 0 }))
      .execute()
    condemned.push(...free)
  }
  return condemned
}

export async function abandoned(db: Db, at: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('condemned')
    .select('artifact')
    .where('collected', '=', 0)
    .where('at', '<=', at - condemnedMs)
    .orderBy('artifact')
    .execute()
  return rows.map(({ artifact }) => artifact)
}

export async function spare(db: Db, artifacts: readonly string[], at: number): Promise<readonly string[]> {
  const still: string[] = []
  for (const these of some(artifacts)) {
    await db
      .deleteFrom('condemned')
      .where('artifact', 'in', these)
      .where((where) => where.or([where('collected', '=', 1), where('at', '<=', at - condemnedMs)]))
      .execute()
    const left = await db.selectFrom('condemned').select('artifact').where('artifact', 'in', these).execute()
    still.push(...left.map(({ artifact }) => artifact))
  }
  return still
}

export const ofArtifacts: Effects<'artifacts.collected'> = {
  'artifacts.collected': async (db, { artifacts, bytes }) => {
    for (const these of some(artifacts))
      await db.updateTable('condemned').set({ collected: 1 }).where('artifact', 'in', these).execute()
    return effect(null, null, { artifacts, bytes })
  },
}
