/** The registry store in a SQL database: which method asks what. Each that writes is one transaction, each that reads one statement. */
import { sql } from 'kysely'
import { failpoint } from '../../../kernel/failpoint.ts'
import type {
  AccessKey,
  AuditQuery,
  Evidence,
  ModelVersion,
  RegistryStore,
  Stage,
  VersionStanding,
} from '../../../ports/registry-store.ts'
import type { Page, Search } from '../../../ports/search.ts'
import { indexedCharacters } from '../create-table.ts'
import type { SqlDialect } from '../migrate.ts'
import type { Searchable } from '../search.ts'
import { matching, pageOf } from '../search.ts'
import { tableOf } from '../table.ts'
import { liveBatches } from './batches.ts'
import { change } from './change.ts'
import { deliveries, isWaiting, settleDelivery, takeDeliveries, webhooks } from './outbox.ts'
import { abandoned, condemn, references, spare } from './references.ts'
import type { AuditRow, Db, ModelRow } from './rows.ts'
import { entryFrom, modelFrom, modelRow, versionsFrom, withModel } from './rows.ts'
import { checkText } from './text.ts'

export interface RegistryAccess {
  read<T>(work: (db: Db) => Promise<T>): Promise<T>
  write<T>(work: (db: Db) => Promise<T>): Promise<T>
  readonly dialect: SqlDialect
}

const mostVersions = 10_000

export function sqlRegistryStore({ read, write, dialect }: RegistryAccess): RegistryStore {
  return {
    change: async (wanted, by) => {
      checkText(wanted, by)
      const entry = await write((db) => change(db, wanted, by))
      failpoint('change: after commit')
      return entry
    },

    model: (name) =>
      read(async (db) => {
        const found = await modelRow(db, name)
        return found === undefined ? null : modelFrom(found)
      }),
    version: (model, version) =>
      read(async (db) => {
        const found = await versionsFrom(
          db,
          sql`from ${withModel(db)} where around.name = ${model} and thing.version = ${version}`,
        )
        return found[0] ?? null
      }),
    versions: (model) =>
      read((db) =>
        versionsFrom(
          db,
          sql`from ${withModel(db)} where around.name = ${model} order by thing.version desc limit ${mostVersions}`,
        ),
      ),
    standings: (models) =>
      read(async (db) => {
        if (models.length === 0) return []
        const { rows } = await sql<{ model: string; version: number; validated: number; places: string }>`
          select around.name as model, thing.version, thing.validated, thing.places from ${withModel(db)}
          where around.name in (${sql.join(models)}) order by around.name, thing.version desc`.execute(db)
        return rows.map(({ validated, places, ...row }) => ({
          ...row,
          validated: validated === 1,
          places: JSON.parse(places) as VersionStanding['places'],
        }))
      }),
    placed: (model, environment, stage) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('place')
          .innerJoin('registered_model as around', 'around.seq', 'place.model')
          .select('place.version')
          .where('around.name', '=', model)
          .where('environment', '=', environment)
          .where('stage', '=', stage)
          .orderBy('at', 'desc')
          .orderBy('version', 'desc')
          .execute()
        return rows.map(({ version }) => version)
      }),
    latest: (models, environment) => read((db) => latest(db, models, environment)),
    production: (environment) =>
      read(async (db) => {
        const found = await versionsFrom(
          db,
          sql`from ${withModel(db)} join ${tableOf(db, 'place')} as place on place.model = thing.model and place.version = thing.version
            where place.environment = ${environment} and place.stage = 'production' order by place.at desc, place.version desc`,
        )
        const models = new Set<string>()
        return found.filter(({ model }) => !models.has(model) && models.add(model))
      }),
    searchModels: (search) => read((db) => searchModels(db, search, dialect)),
    searchVersions: (search) =>
      read(async (db) => pageOf(await versionsFrom(db, versionsMatching(db, search, dialect)), search)),
    evidence: (model, version) => read((db) => evidence(db, model, version)),
    approvals: (model, version) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('approval')
          .innerJoin('registered_model as around', 'around.seq', 'approval.model')
          .select(['environment', 'stage', 'actor', 'reason', 'at'])
          .where('around.name', '=', model)
          .where('version', '=', version)
          .orderBy('at')
          .execute()
        return rows.map(({ stage, ...row }) => ({ ...row, to: stage as Stage }))
      }),

    audit: (query) => read((db) => audit(db, query)),
    liveBatches: () => read(liveBatches),

    keys: () =>
      read(async (db) => {
        const rows = await db.selectFrom('access_key').selectAll().orderBy('id').execute()
        // Keys that were made before they could have a rate have none.
        return rows.map(({ document, revoked }) => ({
          rate: null,
          ...(JSON.parse(document) as Omit<AccessKey, 'rate'>),
          revokedAt: revoked,
        }))
      }),
    webhooks: () => read(webhooks),
    takeDeliveries: async (limit, now, leaseMs) =>
      (await read(isWaiting)) ? write((db) => takeDeliveries(db, limit, now, leaseMs)) : [],
    settleDelivery: (id, result, at) => write((db) => settleDelivery(db, id, result, at)),
    deliveries: ({ webhook, limit }) => read((db) => deliveries(db, webhook, limit)),

    references: () => read(references),
    abandoned: (at) => read((db) => abandoned(db, at)),
    condemn: (artifacts, at) => write((db) => condemn(db, artifacts, at)),
    spare: (artifacts, at) => write((db) => spare(db, artifacts, at)),
  }
}

// --- searches

const models: Searchable = {
  table: 'registered_model',
  attributes: {
    name: sql.ref('thing.name'),
    creation_timestamp: sql.ref('thing.created'),
    last_updated_timestamp: sql.ref('thing.updated'),
  },
  values: { tag: { table: 'registered_model_tag', owner: { model: 'seq' }, key: 'key', indexed: indexedCharacters } },
  ties: sql.ref('thing.name'),
}

async function searchModels(db: Db, search: Search, dialect: SqlDialect): Promise<Page<ReturnType<typeof modelFrom>>> {
  const { rows } = await sql<ModelRow>`select thing.* ${matching(db, models, search, dialect)}`.execute(db)
  return pageOf(rows.map(modelFrom), search)
}

/** The name of a version's model is looked up where it is asked for: versions keep its number. */
const versionsMatching = (db: Db, search: Search, dialect: SqlDialect) => {
  const name = sql`(select named.name from ${tableOf(db, 'registered_model')} as named where named.seq = ${sql.ref('thing.model')})`
  const versions: Searchable = {
    table: 'registered_version',
    attributes: {
      name,
      version_number: sql.ref('thing.version'),
      run_id: sql.ref('thing.run'),
      source_path: sql.ref('thing.source'),
      creation_timestamp: sql.ref('thing.created'),
      last_updated_timestamp: sql.ref('thing.updated'),
    },
    values: {
      tag: { table: 'registered_version_tag', owner: { version: 'seq' }, key: 'key', indexed: indexedCharacters },
    },
    ties: sql`${sql.ref('thing.updated')} desc, ${name}, ${sql.ref('thing.version')} desc`,
  }
  // The model of a name is found first, and then its versions by their index.
  const ofOneModel = search.where
    .filter(({ of, key, operator }) => of === 'attribute' && key === 'name' && operator === '=')
    .map(
      ({ value }) =>
        sql`${sql.ref('thing.model')} = (select one.seq from ${tableOf(db, 'registered_model')} as one where one.name = ${value})`,
    )
  // The order that was found is kept through the join with the models.
  return sql`from (select found.*, row_number() over () as place from (select thing.* ${matching(db, versions, search, dialect, ofOneModel)}) as found) as thing
    join ${tableOf(db, 'registered_model')} as around on around.seq = thing.model order by thing.place`
}

/** Of each model the newest version at each of the stages that lead on, and the newest of all others: one look into an index for each. */
async function latest(db: Db, models: readonly string[], environment: string): Promise<readonly ModelVersion[]> {
  if (models.length === 0) return []
  const placed = (stage: string) =>
    sql`(select max(place.version) from ${tableOf(db, 'place')} as place
      where place.environment = ${environment} and place.stage = ${stage} and place.model = around.seq)`
  const other = sql`(select one.version from ${tableOf(db, 'registered_version')} as one where one.model = around.seq
      and not exists (select 1 from ${tableOf(db, 'place')} as place where place.model = one.model
        and place.environment = ${environment} and place.version = one.version
        and place.stage in ('staging', 'production', 'archived'))
      order by one.version desc limit 1)`
  return versionsFrom(
    db,
    sql`from ${withModel(db)} where around.name in (${sql.join(models)}) and thing.version in
      (${placed('staging')}, ${placed('production')}, ${placed('archived')}, ${other}) order by around.name, thing.version desc`,
  )
}

// --- what was recorded

async function evidence(db: Db, model: string, version: number): Promise<readonly Evidence[]> {
  const rows = await db
    .selectFrom('evidence')
    .innerJoin('registered_model as around', 'around.seq', 'evidence.model')
    .select(['id', 'kind', 'passed', 'document', 'artifacts', 'actor', 'at'])
    .where('around.name', '=', model)
    .where('version', '=', version)
    .orderBy('at', 'desc')
    .execute()
  return rows.map(({ passed, document, artifacts, ...row }) => ({
    ...row,
    ...{ model, version, passed: passed === 1, document: JSON.parse(document) as unknown },
    artifacts: JSON.parse(artifacts) as string[],
  }))
}

async function audit(db: Db, { after, before, model, version, actions, limit }: AuditQuery) {
  let query = db.selectFrom('audit').selectAll()
  if (after !== undefined) query = query.where('number', '>', after)
  if (before !== undefined) query = query.where('number', '<', before)
  if (version !== undefined) query = query.where('version', '=', version)
  if (actions !== undefined) query = query.where('action', 'in', [...actions])
  if (model !== undefined)
    // All that was ever done to what has that name, or had it last: also under other names.
    query = query.where('subject', '=', (one) =>
      one.fn.coalesce(
        one.selectFrom('registered_model').select('seq').where('name', '=', model),
        one
          .selectFrom('audit as named')
          .select('named.subject')
          .where('named.model', '=', model)
          .orderBy('named.number', 'desc')
          .limit(1),
      ),
    )
  const rows: AuditRow[] = await query
    .orderBy('number', after === undefined ? 'desc' : 'asc')
    .limit(limit)
    .execute()
  return rows.map(entryFrom)
}
