/**
 * A process of its own that makes one change and ends itself at a failure point, as `kill -9` would: `registry-killed.ts POINT ASKED WHERE
 * [SCHEMA]`, where ASKED is the change and its author as JSON.
 */
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { Author, Change } from '../../src/ports/registry-store.ts'

const [, , point, asked, where, schema] = process.argv
const { change, by } = JSON.parse(asked!) as { readonly change: Change; readonly by: Author }
const store =
  schema === undefined
    ? await sqliteMetadataStore(where!)
    : await postgresMetadataStore({ url: where!, password: null, schema, patienceMs: 10_000 })
;(globalThis as { [point: symbol]: unknown })[Symbol.for('sixfold.failpoint')] = (name: string): void => {
  if (name === point) process.kill(process.pid, 'SIGKILL')
}
await store.registry.change(change, by)
process.stdout.write('answered\n')
await store.close()
