/** The laws of the metadata store, held by each adapter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../../src/ports/metadata-store.ts'
import { metadataStoreCases } from '../../src/testing/metadata-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'

/** Gives each store a place of its own, and remembers which. */
function places(open: (place: string) => Promise<MetadataStore>) {
  const known = new WeakMap<MetadataStore, string>()
  let count = 0
  const opened = async (place: string): Promise<MetadataStore> => {
    const store = await open(place)
    known.set(store, place)
    return store
  }
  return metadataStoreCases(
    () => {
      count += 1
      return opened(`place_${count}`)
    },
    (store) => opened(known.get(store)!),
  )
}

describe('SQLite', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-metadata-'))
  afterAll(() => rmSync(root, { recursive: true }))
  for (const { name, run } of places((place) => sqliteMetadataStore(join(root, place, 'metadata.sqlite'))))
    it(name, run)
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  for (const { name, run } of places((schema) =>
    postgresMetadataStore({ url: service.url, password: null, schema, patienceMs: 10_000 }),
  ))
    it(name, run)
})
