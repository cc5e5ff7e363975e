/** Rows of the registry, and what they are to everybody else. */
import type { Kysely, RawBuilder, Selectable } from 'kysely'
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { AuditEntry, ModelVersion, NewVersion, RegisteredModel } from '../../../ports/registry-store.ts'
import { tableOf } from '../table.ts'
import type { RegistryTables } from './tables.ts'

export type Db = Kysely<RegistryTables>
export type ModelRow = Selectable<RegistryTables['registered_model']>
export type VersionRow = Selectable<RegistryTables['registered_version']>
export type AuditRow = Selectable<RegistryTables['audit']>

export const modelFrom = ({ name, description, tags, aliases, created, updated }: ModelRow): RegisteredModel => ({
  name,
  description,
  tags: JSON.parse(tags) as RegisteredModel['tags'],
  aliases: JSON.parse(aliases) as RegisteredModel['aliases'],
  createdAt: created,
  updatedAt: updated,
})

export const versionFrom = (row: VersionRow & { readonly name: string }): ModelVersion => ({
  ...(JSON.parse(row.document) as Omit<NewVersion, 'model' | 'manifest' | 'source' | 'run' | 'description' | 'tags'>),
  model: row.name,
  version: row.version,
  manifest: row.manifest,
  source: row.source,
  run: row.run,
  description: row.description,
  tags: JSON.parse(row.tags) as ModelVersion['tags'],
  places: JSON.parse(row.places) as ModelVersion['places'],
  aliases: JSON.parse(row.aliases) as ModelVersion['aliases'],
  validated: row.validated === 1,
  at: row.created,
  updatedAt: row.updated,
})

/** How a version stands, without what it is made of. */
export const standingFrom = ({
  places,
  validated,
}: Pick<VersionRow, 'places' | 'validated'>): Pick<ModelVersion, 'places' | 'validated'> => ({
  places: JSON.parse(places) as ModelVersion['places'],
  validated: validated === 1,
})

/** Versions with the names of their models; `from` stands after what is selected, and calls a version `thing`. */
export async function versionsFrom(db: Db, from: RawBuilder<unknown>): Promise<readonly ModelVersion[]> {
  const { rows } = await sql<
    VersionRow & { readonly name: string }
  >`select thing.*, around.name as name ${from}`.execute(db)
  return rows.map(versionFrom)
}

export const withModel = (db: Db): RawBuilder<unknown> =>
  sql`${tableOf(db, 'registered_version')} as thing join ${tableOf(db, 'registered_model')} as around on around.seq = thing.model`

export function entryFrom({ subject: _, details, ...row }: AuditRow): AuditEntry {
  return { ...row, action: row.action as AuditEntry['action'], details: JSON.parse(details) as AuditEntry['details'] }
}

export const modelRow = (db: Db, name: string): Promise<ModelRow | undefined> =>
  db.selectFrom('registered_model').selectAll().where('name', '=', name).executeTakeFirst()

export async function neededModel(db: Db, name: string): Promise<ModelRow> {
  const found = await modelRow(db, name)
  if (found === undefined)
    throw new SixfoldError('SX_UNKNOWN_MODEL', `There is no model '${shorten(name)}' in the registry.`, {
      fix: 'Register a version of it first.',
      details: { model: shorten(name) },
    })
  return found
}

export async function neededVersion(db: Db, model: ModelRow, version: number): Promise<VersionRow> {
  const found = await db
    .selectFrom('registered_version')
    .selectAll()
    .where('model', '=', model.seq)
    .where('version', '=', version)
    .executeTakeFirst()
  if (found === undefined)
    throw new SixfoldError('SX_UNKNOWN_VERSION', `'${shorten(model.name)}' has no version ${version}.`, {
      details: { model: shorten(model.name), version },
    })
  return found
}

/** The model and its version, both of which have to be there. */
export const both = async (
  db: Db,
  { model: name, version }: { readonly model: string; readonly version: number },
): Promise<readonly [ModelRow, VersionRow]> => {
  const model = await neededModel(db, name)
  return [model, await neededVersion(db, model, version)]
}

/** Of references to artifacts: those of a version and of the evidence about it go together. */
export const ownerOf = ({ seq }: Pick<ModelRow, 'seq'>, version: number): string => `version ${seq} ${version}`

export const setVersion = (
  db: Db,
  { seq }: VersionRow,
  values: Partial<Pick<VersionRow, 'description' | 'validated' | 'tags' | 'places' | 'aliases' | 'updated'>>,
) => db.updateTable('registered_version').set(values).where('seq', '=', seq).execute()
