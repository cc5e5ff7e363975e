/**
 * A process of its own that opens metadata stores: `opener.ts NAME`. For each line, a path of SQLite or a URL and a schema of
 * PostgreSQL, it opens the store, adds a version of that name, closes the store, and says what came of it.
 */
import { createInterface } from 'node:readline'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import { addVersion } from './versions.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

async function answer(place: string): Promise<string> {
  try {
    const [where, schema] = place.split(' ')
    const store =
      schema === undefined
        ? await sqliteMetadataStore(where!)
        : await postgresMetadataStore({ url: where!, password: null, schema, patienceMs: 10_000 })
    const version = await addVersion(store, process.argv[2]!, 1)
    await store.close()
    return `version ${version}`
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return `${code}: ${message}`
  }
}

say('ready')
for await (const place of createInterface({ input: process.stdin })) say(await answer(place))
