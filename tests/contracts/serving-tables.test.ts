/** The laws of serving tables, held by PostgreSQL. */
import { afterAll, beforeAll, it } from 'vitest'
import { postgresServingTables } from '../../src/adapters/postgres/serving-tables.ts'
import { servingTablesCases } from '../../src/testing/serving-tables.ts'
import type { Reader } from '../batch/table-place.ts'
import { reader } from '../batch/table-place.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'

describeWith(['postgres'], 'serving tables in PostgreSQL', () => {
  let postgres: Service
  let sql: Reader
  beforeAll(async () => {
    postgres = await startPostgres()
    sql = await reader(postgres.url)
  })
  afterAll(async () => {
    await sql?.close()
    await postgres?.close()
  })
  for (const { name, run } of servingTablesCases({
    schema: 'public',
    open: async () =>
      postgresServingTables({ url: postgres.url, password: null, schema: 'sixfold', patienceMs: 10_000 }),
    read: ({ schema, name: table }) =>
      sql
        .all<{ [column: string]: unknown }>(`select * from "${schema}"."${table}" order by 1`)
        .catch((error: unknown) => {
          if ((error as { readonly code?: string }).code === '42P01') return null
          throw error
        }),
  }))
    it(name, run, 30_000)
})
