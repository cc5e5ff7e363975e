/**
 * A process of its own that promotes: `promoter.ts NAME WHERE [SCHEMA]`. For each line, a round, it puts its own version of that round in
 * production in place of the one that the line names, and says whether it won.
 */
import { createInterface } from 'node:readline'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { StageChange } from '../../src/ports/registry-store.ts'
import { author } from './versions.ts'

const [, , where, schema] = process.argv
const store =
  schema === undefined
    ? await sqliteMetadataStore(where!)
    : await postgresMetadataStore({ url: where!, password: null, schema, patienceMs: 10_000 })

const say = (line: string): void => void process.stdout.write(`${line}\n`)
say('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const { version, replaces } = JSON.parse(line) as { version: number; replaces: number | null }
  const change: StageChange = {
    kind: 'stage.changed',
    from: 'registered',
    to: 'production',
    ...{ model: 'm', version, environment: 'default', exclusive: true, replaces },
    ...{ archives: [], evidence: [], preconditions: [], rollback: false },
  }
  await store.registry.change(change, author(Date.now())).then(
    () => say('won'),
    (error: { readonly code?: string }) => say(error.code ?? String(error)),
  )
}
await store.close()
