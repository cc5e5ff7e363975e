/** What each kind of change takes to be so, what it does, and what its entry says of it. */
import { SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { AuditEntry, Author, Change, ModelVersion, Stage, StageChange, Tags } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import { refer } from './registry-references.ts'
import type { Db, ModelRow, VersionRow } from './registry-rows.ts'
import { entryFrom, modelRow, neededModel, neededVersion, standingFrom } from './registry-rows.ts'

interface Effect {
  readonly model: string | null
  readonly version: number | null
  readonly environment: string | null
  readonly details: { readonly [name: string]: unknown }
  /** The model that it is about, by its row. */
  readonly subject: number | null
}
/** What was wanted is so, and this entry made it so. */
interface NothingToDo {
  readonly entry: AuditEntry
}

const of = (
  model: Pick<ModelRow, 'name' | 'seq'> | null,
  version: number | null,
  details: Effect['details'],
  environment: string | null = null,
): Effect => ({ model: model?.name ?? null, version, environment, details, subject: model?.seq ?? null })

export async function effectOf(db: Db, change: Change, by: Author): Promise<Effect | NothingToDo> {
  switch (change.kind) {
    case 'model.created':
      return createModel(db, change, by)
    case 'model.updated': {
      const model = await neededModel(db, change.model)
      await setModel(db, model, { description: change.description, updated: by.at })
      return of(model, null, { description: change.description, before: model.description })
    }
    case 'model.renamed':
      return renameModel(db, change, by)
    case 'model.deleted':
      return deleteModel(db, change)
    case 'model.tagged':
    case 'model.untagged': {
      const model = await neededModel(db, change.model)
      const value = change.kind === 'model.tagged' ? change.value : null
      const [tags, before] = withTag(model.tags, change.key, value)
      await setModel(db, model, { tags, updated: by.at })
      await keepTag(db, 'registered_model_tag', 'model', model.seq, change.key, value)
      return of(model, null, { key: change.key, ...(value === null ? {} : { value }), before })
    }
    case 'version.registered':
      return registerVersion(db, change, by)
    case 'version.updated': {
      const [model, version] = await both(db, change)
      await setVersion(db, version, { description: change.description, updated: by.at })
      return of(model, version.version, { description: change.description, before: version.description })
    }
    case 'version.tagged':
    case 'version.untagged': {
      const [model, version] = await both(db, change)
      const value = change.kind === 'version.tagged' ? change.value : null
      const [tags, before] = withTag(version.tags, change.key, value)
      await setVersion(db, version, { tags, updated: by.at })
      await keepTag(db, 'registered_version_tag', 'version', version.seq, change.key, value)
      return of(model, version.version, { key: change.key, ...(value === null ? {} : { value }), before })
    }
    case 'version.deleted':
      return deleteVersion(db, change, by)
    case 'evidence.recorded': {
      const { evidence } = change
      const [model, version] = await both(db, evidence)
      const { id, kind, passed, document, artifacts } = evidence
      await refer(db, artifacts, ownerOf(model, version.version))
      await db
        .insertInto('evidence')
        .values({
          ...{ model: model.seq, version: version.version, id, kind, passed: passed ? 1 : 0 },
          ...{ document: JSON.stringify(document), artifacts: JSON.stringify(artifacts), actor: by.actor, at: by.at },
        })
        // The same document again says nothing new; what is newest is looked at by when it was recorded.
        .onConflict((conflict) =>
          conflict.columns(['model', 'version', 'id']).doUpdateSet({ at: by.at, actor: by.actor }),
        )
        .execute()
      return of(model, version.version, { id, kind, passed, artifacts })
    }
    case 'approval.given': {
      const [model, version] = await both(db, change)
      const { environment, to } = change
      await db
        .insertInto('approval')
        .values({
          ...{ model: model.seq, version: version.version, environment, stage: to },
          ...{ actor: by.actor, reason: by.reason, at: by.at },
        })
        .onConflict((conflict) =>
          conflict
            .columns(['model', 'version', 'environment', 'stage', 'actor'])
            .doUpdateSet({ at: by.at, reason: by.reason }),
        )
        .execute()
      return of(model, version.version, { to }, environment)
    }
    case 'stage.changed':
      return changeStage(db, change, by)
    case 'rollback.superseded': {
      const model = await neededModel(db, change.model)
      return of(model, change.version, { by: change.by }, change.environment)
    }
    case 'alias.set':
      return setAlias(db, change, by)
    case 'alias.deleted': {
      const model = await neededModel(db, change.model)
      const before = aliasesOf(model)[change.alias]
      if (before === undefined)
        throw new SixfoldError('SX_UNKNOWN_ALIAS', `'${model.name}' has no alias '${shorten(change.alias)}'.`, {
          details: { model: model.name, alias: shorten(change.alias) },
        })
      await moveAlias(db, model, change.alias, before, null, by.at)
      return of(model, before, { alias: change.alias, before })
    }
    case 'key.created': {
      const { hash, ...shown } = change.key
      await db
        .insertInto('access_key')
        .values({ id: change.key.id, document: JSON.stringify({ ...change.key, at: by.at }), revoked: null })
        .execute()
      return of(null, null, { key: shown })
    }
    case 'key.revoked': {
      const { numUpdatedRows } = await db
        .updateTable('access_key')
        .set({ revoked: by.at })
        .where('id', '=', change.key)
        .where('revoked', 'is', null)
        .executeTakeFirst()
      if (Number(numUpdatedRows) === 0)
        throw new SixfoldError('SX_UNKNOWN_KEY', `There is no key '${shorten(change.key)}' in force.`)
      return of(null, null, { key: change.key })
    }
    case 'webhook.created':
    case 'webhook.updated':
      return keepWebhook(db, change, by)
    case 'webhook.deleted': {
      const { numDeletedRows } = await db.deleteFrom('webhook').where('id', '=', change.webhook).executeTakeFirst()
      if (Number(numDeletedRows) === 0) throw unknownWebhook(change.webhook)
      await db.deleteFrom('delivery').where('webhook', '=', change.webhook).execute()
      return of(null, null, { webhook: change.webhook })
    }
    case 'artifacts.collected': {
      for (const artifact of change.artifacts)
        await db.updateTable('condemned').set({ collected: 1 }).where('artifact', '=', artifact).execute()
      return of(null, null, { artifacts: change.artifacts, bytes: change.bytes })
    }
  }
}

// --- models

async function createModel(
  db: Db,
  { model: name, description, tags }: Extract<Change, { kind: 'model.created' }>,
  by: Author,
): Promise<Effect> {
  if ((await modelRow(db, name)) !== undefined) throw exists(name)
  const made = await insertModel(db, name, description, tags, by.at)
  return of(made, null, { description, tags })
}

async function insertModel(
  db: Db,
  name: string,
  description: string | null,
  tags: Tags,
  at: number,
): Promise<ModelRow> {
  const row = { name, description, newest: 0, tags: JSON.stringify(tags), aliases: '{}', created: at, updated: at }
  const { seq } = await db.insertInto('registered_model').values(row).returning('seq').executeTakeFirstOrThrow()
  for (const [key, value] of Object.entries(tags)) await keepTag(db, 'registered_model_tag', 'model', seq, key, value)
  return { ...row, seq }
}

async function renameModel(
  db: Db,
  { model: name, to }: Extract<Change, { kind: 'model.renamed' }>,
  by: Author,
): Promise<Effect> {
  const model = await neededModel(db, name)
  if (to !== name && (await modelRow(db, to)) !== undefined) throw exists(to)
  await refuseInUse(db, model, null)
  await setModel(db, model, { name: to, updated: by.at })
  return of(model, null, { to })
}

async function deleteModel(db: Db, { model: name }: Extract<Change, { kind: 'model.deleted' }>): Promise<Effect> {
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
  return of(model, null, { versions: versions.map(({ version }) => version) })
}

/** What answers requests, or is about to, is not taken away: a place that a gate led to is given up first. */
async function refuseInUse(db: Db, model: ModelRow, version: number | null): Promise<void> {
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

const setModel = (db: Db, { seq }: ModelRow, values: Partial<Omit<ModelRow, 'seq' | 'created'>>) =>
  db.updateTable('registered_model').set(values).where('seq', '=', seq).execute()

// --- versions

const both = async (
  db: Db,
  { model: name, version }: { readonly model: string; readonly version: number },
): Promise<readonly [ModelRow, VersionRow]> => {
  const model = await neededModel(db, name)
  return [model, await neededVersion(db, model, version)]
}

async function registerVersion(
  db: Db,
  { version: wanted, create, unlessNewest }: Extract<Change, { kind: 'version.registered' }>,
  by: Author,
): Promise<Effect | NothingToDo> {
  const { model: name, manifest, source, run, description, tags, ...document } = wanted
  const model =
    (await modelRow(db, name)) ?? (create ? await insertModel(db, name, null, {}, by.at) : await neededModel(db, name))
  if (unlessNewest && model.newest > 0) {
    const newest = await newestOf(db, model)
    if (newest?.manifest === manifest) {
      const entry = await registrationOf(db, model, newest.version)
      if (entry !== null) return { entry }
    }
  }
  const version = model.newest + 1
  const { seq } = await db
    .insertInto('registered_version')
    .values({
      ...{ model: model.seq, version, manifest, source, run, document: JSON.stringify(document), description },
      ...{ validated: 0, tags: JSON.stringify(tags), places: '{}', aliases: '[]', created: by.at, updated: by.at },
    })
    .returning('seq')
    .executeTakeFirstOrThrow()
  await setModel(db, model, { newest: version, updated: by.at })
  for (const [key, value] of Object.entries(tags))
    await keepTag(db, 'registered_version_tag', 'version', seq, key, value)
  const { files, entry, flavor, facts, runLink, loggedModel, definition } = wanted
  const kept = [...files.map(({ sha256 }) => sha256), ...(facts.data?.artifact ? [facts.data.artifact] : [])]
  await refer(db, kept, ownerOf(model, version))
  return of(model, version, {
    ...{ manifest, files, entry, flavor, definition, source, run, runLink, loggedModel, description, tags },
  })
}

const newestOf = (db: Db, { seq }: ModelRow) =>
  db
    .selectFrom('registered_version')
    .select(['version', 'manifest'])
    .where('model', '=', seq)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()

async function registrationOf(db: Db, { seq }: ModelRow, version: number): Promise<AuditEntry | null> {
  const found = await db
    .selectFrom('audit')
    .selectAll()
    .where('subject', '=', seq)
    .where('action', '=', 'version.registered')
    .where('version', '=', version)
    .executeTakeFirst()
  return found === undefined ? null : entryFrom(found)
}

async function deleteVersion(
  db: Db,
  change: Extract<Change, { kind: 'version.deleted' }>,
  by: Author,
): Promise<Effect> {
  const [model, version] = await both(db, change)
  await refuseInUse(db, model, version.version)
  await removeVersions(db, model, version)
  const aliases = aliasesOf(model)
  const left = Object.fromEntries(Object.entries(aliases).filter(([, named]) => named !== version.version))
  await setModel(db, model, { aliases: JSON.stringify(left), updated: by.at })
  return of(model, version.version, {
    manifest: version.manifest,
    aliases: Object.keys(aliases).filter((alias) => !Object.hasOwn(left, alias)),
  })
}

/** One, or null for all of the model's. */
async function removeVersions(db: Db, { seq: model }: ModelRow, one: VersionRow | null): Promise<void> {
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

/** Of references to artifacts: those of a version and of the evidence about it go together. */
const ownerOf = ({ seq }: Pick<ModelRow, 'seq'>, version: number): string => `version ${seq} ${version}`

const setVersion = (
  db: Db,
  { seq }: VersionRow,
  values: Partial<Pick<VersionRow, 'description' | 'validated' | 'tags' | 'places' | 'aliases' | 'updated'>>,
) => db.updateTable('registered_version').set(values).where('seq', '=', seq).execute()

// --- stages

type Places = { [environment: string]: ModelVersion['places'][string] }

async function changeStage(db: Db, change: StageChange, by: Author): Promise<Effect> {
  const { environment, from, to, exclusive, replaces } = change
  const [model, version] = await both(db, change)
  const now = stageIn(standingFrom(version), environment)
  if (now !== from)
    throw conflict(`Version ${version.version} of '${model.name}' is ${now}, not ${from}, in '${environment}'.`, {
      version: version.version,
      stage: now,
    })
  const archived = new Set(change.archives)
  if (to === 'production' && exclusive) {
    const inProduction = await db
      .selectFrom('place')
      .select('version')
      .where('model', '=', model.seq)
      .where('environment', '=', environment)
      .where('stage', '=', 'production')
      .orderBy('at', 'desc')
      .orderBy('version', 'desc')
      .execute()
    const current = inProduction[0]?.version ?? null
    if (current !== replaces)
      throw conflict(
        `${current === null ? 'No version' : `Version ${current}`} of '${model.name}' is in production in '${environment}', not ${replaces === null ? 'none' : `version ${replaces}`}.`,
        { production: current },
      )
    for (const one of inProduction) archived.add(one.version)
  }
  archived.delete(version.version)
  failpoint('change: condition checked')
  const left: number[] = []
  for (const number of archived) {
    const other = await neededVersion(db, model, number)
    if (stageIn(standingFrom(other), environment) !== to) continue
    await placeVersion(db, model, other, environment, 'archived', exclusive, by.at)
    left.push(number)
  }
  await placeVersion(db, model, version, environment, to, exclusive, by.at)
  await setModel(db, model, { updated: by.at })
  const { preconditions, evidence, rollback } = change
  return of(
    model,
    version.version,
    { from, to, exclusive, replaces, archives: left, evidence, preconditions, rollback },
    environment,
  )
}

const isDefined = ({ document }: VersionRow): boolean =>
  (JSON.parse(document) as Pick<ModelVersion, 'definition'>).definition !== null

async function placeVersion(
  db: Db,
  model: ModelRow,
  version: VersionRow,
  environment: string,
  stage: Stage,
  exclusive: boolean,
  at: number,
): Promise<void> {
  const places = JSON.parse(version.places) as Places
  const wasProduction =
    stage === 'production' || (Object.hasOwn(places, environment) && places[environment]!.wasProduction)
  await setVersion(db, version, {
    places: JSON.stringify({ ...places, [environment]: { stage, at, wasProduction } }),
    updated: at,
    ...(stage === 'validated' ? { validated: 1 } : {}),
  })
  // What a definition stands for is not taken away from staging either.
  const held = exclusive || (stage === 'staging' && isDefined(version))
  const place = { stage, at, exclusive: held ? 1 : 0 }
  await db
    .insertInto('place')
    .values({ model: model.seq, environment, version: version.version, ...place })
    .onConflict((conflict) => conflict.columns(['model', 'environment', 'version']).doUpdateSet(place))
    .execute()
}

const conflict = (words: string, details: { readonly [name: string]: unknown }): SixfoldError =>
  new SixfoldError('SX_REGISTRY_CONFLICT', words, { details })

// --- aliases

const aliasesOf = ({ aliases }: ModelRow): { readonly [alias: string]: number } =>
  JSON.parse(aliases) as { [alias: string]: number }

async function setAlias(db: Db, change: Extract<Change, { kind: 'alias.set' }>, by: Author): Promise<Effect> {
  const { alias, expected } = change
  const [model, version] = await both(db, change)
  const aliases = aliasesOf(model)
  const before = Object.hasOwn(aliases, alias) ? aliases[alias]! : null
  if (expected !== undefined && expected !== before)
    throw conflict(
      `The alias '${alias}' of '${model.name}' names ${before === null ? 'nothing' : `version ${before}`}, not ${expected === null ? 'nothing' : `version ${expected}`}.`,
      { alias, version: before },
    )
  await moveAlias(db, model, alias, before, version, by.at)
  return of(model, version.version, { alias, before })
}

async function moveAlias(
  db: Db,
  model: ModelRow,
  alias: string,
  before: number | null,
  after: VersionRow | null,
  at: number,
): Promise<void> {
  const { [alias]: _, ...others } = aliasesOf(model)
  const aliases = after === null ? others : { ...others, [alias]: after.version }
  await setModel(db, model, { aliases: JSON.stringify(aliases), updated: at })
  if (before === after?.version) return
  for (const version of [before === null ? null : await neededVersion(db, model, before), after]) {
    if (version === null) continue
    const names = (JSON.parse(version.aliases) as string[]).filter((name) => name !== alias)
    if (version === after) names.push(alias)
    await setVersion(db, version, { aliases: JSON.stringify(names.sort()) })
  }
}

// --- tags

function withTag(json: string, key: string, value: string | null): readonly [after: string, before: string | null] {
  const tags = JSON.parse(json) as { [key: string]: string }
  const before = Object.hasOwn(tags, key) ? tags[key]! : null
  const { [key]: _, ...others } = tags
  return [JSON.stringify(value === null ? others : { ...others, [key]: value }), before]
}

async function keepTag(
  db: Db,
  table: 'registered_model_tag' | 'registered_version_tag',
  column: 'model' | 'version',
  owner: number,
  key: string,
  value: string | null,
): Promise<void> {
  const any = db as unknown as { [K in 'deleteFrom' | 'insertInto']: Db[K] }
  await any
    .deleteFrom(table as 'registered_model_tag')
    .where(column as 'model', '=', owner)
    .where('key', '=', key)
    .execute()
  if (value !== null)
    await any
      .insertInto(table as 'registered_model_tag')
      .values({ [column as 'model']: owner, key, value } as never)
      .execute()
}

// --- webhooks

async function keepWebhook(
  db: Db,
  { kind, webhook }: Extract<Change, { kind: 'webhook.created' | 'webhook.updated' }>,
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
  return of(null, null, { webhook: { id, ...shown } })
}

const unknownWebhook = (id: string): SixfoldError =>
  new SixfoldError('SX_UNKNOWN_WEBHOOK', `There is no webhook '${shorten(id)}'.`)
