/** Versions are taken away with all that is kept of them, one or all of a model's. */
import type { Db, ModelRow, VersionRow } from './rows.ts'
import { ownerOf } from './rows.ts'

/** One, or null for all of the model's. */
export async function removeVersions(db: Db, { seq: model }: ModelRow, one: VersionRow | null): Promise<void> {
  const versions = db.selectFrom('registered_version').select('seq').where('model', '=', model)
  await db
    .deleteFrom('registered_version_tag')
    .where('version', 'in', one === null ? versions : [one.seq])
    .execute()
  let references = db.deleteFrom('artifact_reference')
  references =
    one === null
      ? // All owners that begin with the number of the model and a space: what follows a space is '!'.
        references.where('owner', '>', `version ${model} `).where('owner', '<', `version ${model}!`)
      : references.where('owner', '=', ownerOf({ seq: model }, one.version))
  await references.execute()
  for (const table of ['place', 'evidence', 'approval', 'registered_version'] as const) {
    const rows = db.deleteFrom(table).where('model', '=', model)
    await (one === null ? rows : rows.where('version', '=', one.version)).execute()
  }
}
