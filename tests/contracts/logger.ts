/**
 * A process of its own that logs to a run until it is killed: `logger.ts RUN PLACE`, a path of SQLite or a URL and a schema of PostgreSQL.
 * Each batch has 1,000 metrics, a parameter and a tag, all saying which batch it is; once it was answered, its number is printed.
 */
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import { metric } from '../../src/testing/tracking-store-tools.ts'

const [run, where, schema] = process.argv.slice(2)
const store =
  schema === undefined
    ? await sqliteMetadataStore(where!)
    : await postgresMetadataStore({ url: where!, password: null, schema, patienceMs: 10_000 })
for (let batch = 1; ; batch += 1) {
  await store.tracking.log(run!, {
    metrics: Array.from({ length: 1_000 }, (_, index) => metric(`metric ${index}`, batch, { step: batch })),
    parameters: [{ key: `batch ${batch}`, value: `${batch}` }],
    tags: [{ key: 'batch', value: `${batch}` }],
  })
  process.stdout.write(`${batch}\n`)
}
