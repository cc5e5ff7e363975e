/**
 * The tables of the registry.
 *
 * A version is one row: what never changes as a document, and what changes of it (tags, places, aliases) as JSON beside it, so that one row answers
 * a read. What is searched by, and what the database itself has to hold, stands in tables of its own, written in the same transactions.
 */
import type { ColumnType, Generated, Kysely } from 'kysely'
import { sql } from 'kysely'
import { hashOf } from '../../../kernel/hash.ts'
import type { NewVersion } from '../../../ports/registry-store.ts'
import { hashOfEntry, noEntry } from '../../../ports/registry-store.ts'
import { tables } from '../create-table.ts'
import type { Migrations } from '../migrate.ts'
import { tableOf } from '../table.ts'

type Fixed<T> = ColumnType<T, T, never>

export interface RegistryTables {
  registered_model: {
    seq: Generated<number>
    name: string
    description: string | null
    /** The number that was given last: none is given twice. */
    newest: number
    tags: string
    aliases: string
    created: number
    updated: number
  }
  registered_model_tag: { model: number; key: string; value: string }
  registered_version: {
    seq: Generated<number>
    model: Fixed<number>
    version: Fixed<number>
    manifest: Fixed<string>
    source: Fixed<string>
    run: Fixed<string | null>
    /** All else that never changes. */
    document: Fixed<string>
    description: string | null
    validated: number
    tags: string
    places: string
    aliases: string
    created: Fixed<number>
    updated: number
  }
  registered_version_tag: { version: number; key: string; value: string }
  /** Where versions stand, also written in their rows: here to be found by stage, and held to one in production. */
  place: { model: number; environment: string; version: number; stage: string; at: number; exclusive: number }
  evidence: {
    model: number
    version: number
    id: string
    kind: string
    passed: number
    document: string
    artifacts: string
    actor: string
    at: number
  }
  approval: {
    model: number
    version: number
    environment: string
    stage: string
    actor: string
    reason: string | null
    at: number
  }
  artifact_reference: { artifact: string; owner: string }
  condemned: { artifact: string; at: number; collected: number }
  audit: {
    number: Fixed<number>
    id: Fixed<string>
    at: Fixed<number>
    actor: Fixed<string>
    action: Fixed<string>
    model: Fixed<string | null>
    version: Fixed<number | null>
    environment: Fixed<string | null>
    reason: Fixed<string | null>
    details: Fixed<string>
    previous: Fixed<string>
    hash: Fixed<string>
    /** The model that it is about, whatever its name was then. Not part of the entry. */
    subject: Fixed<number | null>
  }
  access_key: { id: string; document: string; revoked: number | null }
  webhook: { id: string; document: string; secret: string | null }
  delivery: {
    id: Generated<number>
    webhook: string
    entry: number
    attempts: number
    state: string
    error: string | null
    next: number | null
    taken: number
    settled: number | null
  }
}

export const registryStep: Migrations<RegistryTables>['steps'][number] = async (db, dialect) => {
  const { table, values } = tables(db, dialect)
  await table(
    'registered_model',
    {
      ...{ seq: 'numbered', name: 'text', description: 'text?', newest: 'number', tags: 'text', aliases: 'text' },
      ...{ created: 'number', updated: 'number' },
    },
    { unique: [['name']] },
  )
  await table(
    'registered_version',
    {
      ...{ seq: 'numbered', model: 'number', version: 'number', manifest: 'text', source: 'text', run: 'text?' },
      ...{ document: 'text', description: 'text?', validated: 'number', tags: 'text', places: 'text', aliases: 'text' },
      ...{ created: 'number', updated: 'number' },
    },
    // No number comes twice, whatever the code does. A page of all versions is read in the order of `updated`.
    { unique: [['model', 'version']], indexes: [['run'], ['updated']] },
  )
  await values('registered_model_tag', 'model', true)
  await values('registered_version_tag', 'version', true)

  await table(
    'place',
    { model: 'number', environment: 'text', version: 'number', stage: 'text', at: 'number', exclusive: 'number' },
    {
      key: ['model', 'environment', 'version'],
      byKey: true,
      indexes: [['environment', 'stage', 'model', 'version']],
    },
  )
  // One in production, whatever the code does.
  await db.schema
    .createIndex('place_one_in_production')
    .unique()
    .on('place')
    .columns(['model', 'environment'])
    .where(sql`${sql.ref('stage')} = 'production' and ${sql.ref('exclusive')} = 1` as never)
    .execute()

  await table(
    'evidence',
    {
      ...{ model: 'number', version: 'number', id: 'text', kind: 'text', passed: 'number', document: 'text' },
      ...{ artifacts: 'text', actor: 'text', at: 'number' },
    },
    { key: ['model', 'version', 'id'] },
  )
  await table(
    'approval',
    {
      ...{ model: 'number', version: 'number', environment: 'text', stage: 'text', actor: 'text', reason: 'text?' },
      ...{ at: 'number' },
    },
    { key: ['model', 'version', 'environment', 'stage', 'actor'] },
  )

  await table(
    'artifact_reference',
    { artifact: 'text', owner: 'text' },
    { key: ['artifact', 'owner'], byKey: true, indexes: [['owner']] },
  )
  await table('condemned', { artifact: 'text', at: 'number', collected: 'number' }, { key: ['artifact'], byKey: true })

  await table(
    'audit',
    {
      ...{ number: 'number', id: 'text', at: 'number', actor: 'text', action: 'text', model: 'text?' },
      ...{ version: 'number?', environment: 'text?', reason: 'text?', details: 'text', previous: 'text', hash: 'text' },
      ...{ subject: 'number?' },
    },
    {
      key: ['number'],
      unique: [['id']],
      indexes: [
        ['subject', 'number'],
        ['model', 'number'],
      ],
    },
  )

  await table('access_key', { id: 'text', document: 'text', revoked: 'number?' }, { key: ['id'] })
  await table('webhook', { id: 'text', document: 'text', secret: 'text?' }, { key: ['id'] })
  await table(
    'delivery',
    {
      ...{ id: 'numbered', webhook: 'text', entry: 'number', attempts: 'number', state: 'text', error: 'text?' },
      ...{ next: 'number?', taken: 'number', settled: 'number?' },
    },
    {
      indexes: [
        ['state', 'webhook', 'id'],
        ['webhook', 'id'],
      ],
    },
  )

  await carryOver(db)
}

/** What versions were before there was a registry: the newest of each model answered. */
interface OldVersion {
  readonly model: string
  readonly version: number
  readonly artifact: string
  readonly bytes: number
  readonly definition: string
  readonly signature: string
  readonly note: string | null
  readonly at: number
}

async function carryOver(db: Kysely<RegistryTables>): Promise<void> {
  const old = db as unknown as Kysely<{ model_version: OldVersion }>
  const versions = await old.selectFrom('model_version').selectAll().orderBy('model').orderBy('version').execute()
  const newest = new Map(versions.map((one) => [one.model, one]))
  const entries: Parameters<typeof hashOfEntry>[0][] = []
  const models = new Map<string, number>()
  for (const one of versions) {
    const { model, version, artifact, bytes, definition, signature, note, at } = one
    const inForce = newest.get(model) === one
    if (!models.has(model)) {
      const last = newest.get(model)!
      const aliasesAndTags = { tags: '{}', aliases: '{}' }
      await db
        .insertInto('registered_model')
        .values({
          name: model,
          description: null,
          newest: last.version,
          ...aliasesAndTags,
          created: at,
          updated: last.at,
        })
        .execute()
      const made = await db
        .selectFrom('registered_model')
        .select('seq')
        .where('name', '=', model)
        .executeTakeFirstOrThrow()
      models.set(model, made.seq)
    }
    const seq = models.get(model)!
    const carried = versionOf(one)
    const { manifest, source, run, description: _, tags: __, model: ___, ...document } = carried
    const places = { default: { stage: 'production', at, wasProduction: true } }
    const row = { model: seq, version, manifest, source, run, document: JSON.stringify(document), description: note }
    const beside = { tags: '{}', places: JSON.stringify(inForce ? places : {}), aliases: '[]' }
    await db
      .insertInto('registered_version')
      .values({ ...row, ...beside, validated: 0, created: at, updated: at })
      .execute()
    await db
      .insertInto('artifact_reference')
      .values({ artifact, owner: `version ${seq} ${version}` })
      .execute()
    if (inForce)
      await db
        .insertInto('place')
        .values({ model: seq, environment: 'default', version, stage: 'production', at, exclusive: 1 })
        .execute()
    entries.push(
      entryOf('version.registered', one, null, { manifest, bytes, definition, signature: hashOf(signature) }),
    )
    if (inForce)
      entries.push(
        entryOf('stage.changed', one, 'default', {
          ...{ from: 'registered', to: 'production', exclusive: true, replaces: null, archives: [] },
          ...{ evidence: [], preconditions: [], rollback: false },
        }),
      )
  }
  let previous = noEntry
  for (const [index, entry] of entries.entries()) {
    const numbered = { ...entry, number: index + 1, previous }
    const hash = hashOfEntry(numbered)
    const details = JSON.stringify(numbered.details)
    await db
      .insertInto('audit')
      .values({ ...numbered, details, hash, subject: models.get(entry.model!) ?? null })
      .execute()
    previous = hash
  }
  await sql`drop table ${tableOf(old, 'model_version')}`.execute(db)
}

const entryOf = (
  action: 'version.registered' | 'stage.changed',
  { model, version, at, artifact }: OldVersion,
  environment: string | null,
  details: { readonly [name: string]: unknown },
): Parameters<typeof hashOfEntry>[0] => ({
  number: 0,
  id: hashOf(['carried over', action, model, version, artifact]).slice(0, 32),
  at,
  actor: 'sixfold',
  action,
  model,
  version,
  environment,
  reason: 'Carried over from a store without a registry.',
  details,
  previous: noEntry,
})

/** A version as it would have been registered: what nobody recorded then is missing now. */
function versionOf({ model, artifact, bytes, definition, signature, note }: OldVersion): NewVersion {
  const { inputs, outputs, opset } = JSON.parse(signature) as Pick<NewVersion, 'inputs' | 'outputs'> & {
    readonly opset: number | null
  }
  const files = [{ path: 'model.onnx', sha256: artifact, bytes }]
  const facts: NewVersion['facts'] = {
    artifact: { format: 'onnx', sha256: artifact, bytes },
    schema: null,
    preprocessing: null,
    data: null,
    configuration: null,
    evaluation: [],
    dependencies: { opset, ir: null, domains: {}, runtime: null, packages: [], language: null },
  }
  return {
    ...{ model, manifest: hashOf({ files, entry: 'model.onnx', facts }), files, entry: 'model.onnx', flavor: 'onnx' },
    ...{ definition, inputs, outputs, facts, source: 'model.onnx', run: null, runLink: null, loggedModel: null },
    ...{ description: note, tags: {} },
  }
}
