/** What changes of a registered model: its name, its description, its tags, and whether it is there. */
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Author, Stage, Tags } from '../../../ports/registry-store.ts'
import { setTags } from '../tags.ts'
import type { ChangeOf, Effect, Effects } from './effect.ts'
import { effect, withTag } from './effect.ts'
import { removeVersions } from './remove-versions.ts'
import type { Db, ModelRow } from './rows.ts'
import { modelRow, neededModel } from './rows.ts'

type OfModels =
  | 'model.created'
  | 'model.updated'
  | 'model.renamed'
  | 'model.deleted'
  | 'model.tagged'
  | 'model.untagged'

export const ofModels: Effects<OfModels> = {
  'model.created': create,
  'model.updated': async (db, { model: name, description }, { at }) => {
    const model = await neededModel(db, name)
    await setModel(db, model, { description, updated: at })
    return effect(model, null, { description, before: model.description })
  },
  'model.renamed': rename,
  'model.deleted': remove,
  'model.tagged': (db, { model, key, value }, { at }) => tag(db, model, key, value, at),
  'model.untagged': (db, { model, key }, { at }) => tag(db, model, key, null, at),
}

async function tag(db: Db, name: string, key: string, value: string | null, at: number): Promise<Effect> {
  const model = await neededModel(db, name)
  const [tags, before] = withTag(model.tags, key, value)
  await setModel(db, model, { tags, updated: at })
  await setTags(db, 'registered_model_tag', 'model', model.seq, [[key, value]])
  return effect(model, null, { key, ...(value === null ? {} : { value }), before })
}

async function create(
  db: Db,
  { model: name, description, tags }: ChangeOf<'model.created'>,
  by: Author,
): Promise<Effect> {
  if ((await modelRow(db, name)) !== undefined) throw exists(name)
  const made = await insertModel(db, name, description, tags, by.at)
  return effect(made, null, { description, tags })
}

export async function insertModel(
  db: Db,
  name: string,
  description: string | null,
  tags: Tags,
  at: number,
): Promise<ModelRow> {
  const row = { name, description, newest: 0, tags: JSON.stringify(tags), aliases: '{}', created: at, updated: at }
  const { seq } = await db.insertInto('registered_model').values(row).returning('seq').executeTakeFirstOrThrow()
  await setTags(db, 'registered_model_tag', 'model', seq, Object.entries(tags))
  return { ...row, seq }
}

async function rename(db: Db, { model: name, to }: ChangeOf<'model.renamed'>, by: Author): Promise<Effect> {
  const model = await neededModel(db, name)
  if (to !== name && (await modelRow(db, to)) !== undefined) throw exists(to)
  await refuseInUse(db, model, null)
  await setModel(db, model, { name: to, updated: by.at })
  return effect(model, null, { to })
}

async function remove(db: Db, { model: name }: ChangeOf<'model.deleted'>): Promise<Effect> {
  const model = await neededModel(db, name)
  await refuseInUse(db, model, null)
  const versions = await db
    .selectFrom('registered_version')
    .select('version')
    .where('model', '=', model.seq)
    .orderBy('version')
    .execute()
  await removeVersions(db, model, null)
  await db.deleteFrom('registered_model_tag').where('model', '=', model.seq).execute()
  await db.deleteFrom('registered_model').where('seq', '=', model.seq).execute()
  return effect(model, null, { versions: versions.map(({ version }) => version) })
}

/** What answers requests, or is about to, is not taken away: a place that a gate led to is given up first. */
export async function refuseInUse(db: Db, model: ModelRow, version: number | null): Promise<void> {
  let query = db
    .selectFrom('place')
    .selectAll()
    .where('model', '=', model.seq)
    .where('exclusive', '=', 1)
    .where('stage', 'in', ['production', 'staging'])
  if (version !== null) query = query.where('version', '=', version)
  const used = await query.orderBy('stage').executeTakeFirst()
  if (used !== undefined) throw inUse(model, used.version, used.stage as Stage, used.environment)
}

const inUse = ({ name }: ModelRow, version: number, stage: Stage, environment: string): SixfoldError =>
  new SixfoldError('SX_MODEL_IN_USE', `Version ${version} of '${name}' is in ${stage} in '${environment}'.`, {
    details: { model: name, version, environment },
  })

const exists = (name: string): SixfoldError =>
  new SixfoldError('SX_MODEL_EXISTS', `A model '${shorten(name)}' is in the registry already.`, {
    details: { model: shorten(name) },
  })

export const setModel = (db: Db, { seq }: ModelRow, values: Partial<Omit<ModelRow, 'seq' | 'created'>>) =>
  db.updateTable('registered_model').set(values).where('seq', '=', seq).execute()
