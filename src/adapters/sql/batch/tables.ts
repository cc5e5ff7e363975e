/**
 * The tables of batches.
 *
 * A run is one row, numbered as it begins; what is read together stands together, and documents come last, so that whoever looks for a state
 * reads none. Leases stand in a table of their own: rows that come and go do not touch what they protect. The names begin with `batches_`:
 * `batch_NAME` is the table that a batch of that name is published to.
 */
import type { Generated, Kysely } from 'kysely'
import { tables } from '../create-table.ts'
import type { Migrations } from '../migrate.ts'
import type { RegistryTables } from '../registry/tables.ts'

export interface BatchTables {
  batches_run: {
    seq: Generated<number>
    id: string
    environment: string
    batch: string
    version: number
    occasion: string
    state: string
    at: number
    since: number | null
    reason: string
    actor: string
    engine: string
    definition: string
    model: string
    model_version: number
    model_file: string
    began: number
    updated: number
    published: number | null
    retired: number
    /** Of the call that moved it last: so that one that is repeated, its answer lost, knows its own. */
    call: string
    error: string | null
    cost: string | null
    artifacts: string
    verdict: string | null
    plan: string | null
  }
  batches_partition: {
    run: string
    number: number
    state: string
    rows: number
    attempts: number
    holder: string | null
    /** Of whoever had it last: what others do to it counts no more. */
    token: number | null
    began: number | null
    ended: number | null
    error: string | null
    output: string | null
    input: string
  }
  batches_lease: {
    name: string
    holder: string
    /** Of the call that took it: so that one that is repeated, its answer lost, knows its own. */
    call: string
    token: number
    until: number
  }
  /** One row: the token that was given last. Leases are forgotten, and no token may come twice. */
  batches_token: { last: number }
  batches_live: {
    environment: string
    batch: string
    version: number
    run: string
    at: number
    previous: number | null
  }
  batches_hold: { environment: string; batch: string; actor: string; reason: string | null; at: number }
  batches_use: { run: string; server: string; lookups: number; hits: number; at: number; keys: string }
}

export const batchStep: Migrations<BatchTables>['steps'][number] = async (db, dialect) => {
  const { table } = tables(db, dialect)
  await table(
    'batches_run',
    {
      ...{ seq: 'numbered', id: 'text', environment: 'text', batch: 'text', version: 'number', occasion: 'text' },
      ...{ state: 'text', at: 'number', since: 'number?', reason: 'text', actor: 'text', engine: 'text' },
      ...{ definition: 'text', model: 'text', model_version: 'number', model_file: 'text', began: 'number' },
      ...{ updated: 'number', published: 'number?', retired: 'number', call: 'text', error: 'text?', cost: 'text?' },
      ...{ artifacts: 'text', verdict: 'text?', plan: 'text?' },
    },
    {
      // One run an occasion, and no number twice, whatever the code does.
      unique: [['id'], ['environment', 'batch', 'occasion'], ['environment', 'batch', 'version']],
      indexes: [
        ['environment', 'batch', 'state', 'version'],
        ['environment', 'batch', 'at'],
        ['environment', 'state', 'seq'],
        ['environment', 'seq'],
      ],
    },
  )
  await table(
    'batches_partition',
    {
      ...{ run: 'text', number: 'number', state: 'text', rows: 'number', attempts: 'number', holder: 'text?' },
      ...{ token: 'number?', began: 'number?', ended: 'number?', error: 'text?', output: 'text?', input: 'text' },
    },
    { key: ['run', 'number'], byKey: true, indexes: [['run', 'state', 'number']] },
  )
  await table(
    'batches_lease',
    { name: 'text', holder: 'text', call: 'text', token: 'number', until: 'number' },
    { key: ['name'], byKey: true, indexes: [['until']] },
  )
  await table('batches_token', { last: 'number' })
  await db.insertInto('batches_token').values({ last: 0 }).execute()
  await table(
    'batches_live',
    { environment: 'text', batch: 'text', version: 'number', run: 'text', at: 'number', previous: 'number?' },
    { key: ['environment', 'batch'], byKey: true },
  )
  await table(
    'batches_use',
    { run: 'text', server: 'text', lookups: 'number', hits: 'number', at: 'number', keys: 'text' },
    { key: ['run', 'server'], byKey: true },
  )
  // Batches make entries every night: those of another kind are not looked for among them.
  await (db as unknown as Kysely<RegistryTables>).schema
    .createIndex('audit_by_subject_action_number')
    .on('audit')
    .columns(['subject', 'action', 'number'])
    .execute()
}

export const holdStep: Migrations<BatchTables>['steps'][number] = (db, dialect) =>
  tables(db, dialect).table(
    'batches_hold',
    { environment: 'text', batch: 'text', actor: 'text', reason: 'text?', at: 'number' },
    { key: ['environment', 'batch'], byKey: true },
  )
