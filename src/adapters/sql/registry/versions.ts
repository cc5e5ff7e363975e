/** What is done to a version but moving it: registered, described, tagged, proved, approved, deleted. */
import type { AuditEntry, Author } from '../../../ports/registry-store.ts'
import { setTags } from '../tags.ts'
import { aliasesOf } from './aliases.ts'
import type { ChangeOf, Effect, Effects, NothingToDo } from './effect.ts'
import { effect, withTag } from './effect.ts'
import { insertModel, refuseInUse, setModel } from './models.ts'
import { refer } from './references.ts'
import { removeVersions } from './remove-versions.ts'
import type { Db, ModelRow } from './rows.ts'
import { both, entryFrom, modelRow, neededModel, ownerOf, setVersion } from './rows.ts'

type OfVersions =
  | 'version.registered'
  | 'version.updated'
  | 'version.tagged'
  | 'version.untagged'
  | 'version.deleted'
  | 'evidence.recorded'
  | 'approval.given'

export const ofVersions: Effects<OfVersions> = {
  'version.registered': register,
  'version.updated': async (db, change, { at }) => {
    const [model, version] = await both(db, change)
    const { description } = change
    await setVersion(db, version, { description, updated: at })
    return effect(model, version.version, { description, before: version.description })
  },
  'version.tagged': (db, change, { at }) => tag(db, change, change.value, at),
  'version.untagged': (db, change, { at }) => tag(db, change, null, at),
  'version.deleted': remove,
  'evidence.recorded': async (db, change, by) => {
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
    return effect(model, version.version, { id, kind, passed, artifacts })
  },
  'approval.given': async (db, change, by) => {
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
    return effect(model, version.version, { to }, environment)
  },
}

async function tag(
  db: Db,
  of: { readonly model: string; readonly version: number; readonly key: string },
  value: string | null,
  at: number,
): Promise<Effect> {
  const [model, version] = await both(db, of)
  const [tags, before] = withTag(version.tags, of.key, value)
  await setVersion(db, version, { tags, updated: at })
  await setTags(db, 'registered_version_tag', 'version', version.seq, [[of.key, value]])
  return effect(model, version.version, { key: of.key, ...(value === null ? {} : { value }), before })
}

async function register(
  db: Db,
  { version: wanted, create, unlessNewest }: ChangeOf<'version.registered'>,
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
  await setTags(db, 'registered_version_tag', 'version', seq, Object.entries(tags))
  const { files, entry, flavor, facts, runLink, loggedModel, definition } = wanted
  const kept = [...files.map(({ sha256 }) => sha256), ...(facts.data?.artifact ? [facts.data.artifact] : [])]
  await refer(db, kept, ownerOf(model, version))
  return effect(model, version, {
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

async function remove(db: Db, change: ChangeOf<'version.deleted'>, by: Author): Promise<Effect> {
  const [model, version] = await both(db, change)
  await refuseInUse(db, model, version.version)
  await removeVersions(db, model, version)
  const aliases = aliasesOf(model)
  const left = Object.fromEntries(Object.entries(aliases).filter(([, named]) => named !== version.version))
  await setModel(db, model, { aliases: JSON.stringify(left), updated: by.at })
  return effect(model, version.version, {
    manifest: version.manifest,
    aliases: Object.keys(aliases).filter((alias) => !Object.hasOwn(left, alias)),
  })
}
