/** The laws of the metadata store, held by each adapter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import { metadataStoreCases } from '../../src/testing/metadata-store.ts'
import { registryStoreCases } from '../../src/testing/registry-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { places } from './places.ts'

describe('SQLite', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-metadata-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const { open, again } = places((place) => sqliteMetadataStore(join(root, place, 'metadata.sqlite')))
  for (const { name, run } of metadataStoreCases(open, again)) it(name, run)
  describe('the registry', () => {
    for (const { name, run } of registryStoreCases(open, again)) it(name, run)
  })
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  const { open, again } = places((schema) =>
    postgresMetadataStore({ url: service.url, password: null, schema, patienceMs: 10_000 }),
  )
  for (const { name, run } of metadataStoreCases(open, again)) it(name, run)
  describe('the registry', () => {
    for (const { name, run } of registryStoreCases(open, again)) it(name, run)
  })
})
