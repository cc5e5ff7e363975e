/** What each kind of change takes to be so, what it does, and what its entry says of it. */
import type { Author, Change } from '../../../ports/registry-store.ts'
import { ofAliases } from './aliases.ts'
import { ofBatches } from './batches.ts'
import type { Effect, Effects, NothingToDo } from './effect.ts'
import { ofKeys } from './keys.ts'
import { ofModels } from './models.ts'
import { ofArtifacts } from './references.ts'
import type { Db } from './rows.ts'
import { ofStages } from './stages.ts'
import { ofVersions } from './versions.ts'
import { ofWebhooks } from './webhooks.ts'

const effects: Effects = {
  ...ofModels,
  ...ofVersions,
  ...ofStages,
  ...ofAliases,
  ...ofKeys,
  ...ofWebhooks,
  ...ofArtifacts,
  ...ofBatches,
}

export const effectOf = (db: Db, change: Change, by: Author): Promise<Effect | NothingToDo> =>
  (effects[change.kind] as (db: Db, change: Change, by: Author) => Promise<Effect | NothingToDo>)(db, change, by)
