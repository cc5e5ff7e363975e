import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteMetadataStore } from '../adapters/sqlite/metadata-store.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import { author, ended, parts, publishing, scoring, taking } from '../testing/batch-store-tools.ts'
import { examineBatches } from './examine-batches.ts'

let folder: string
let store: MetadataStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sixfold-examine-'))
  store = await sqliteMetadataStore(join(folder, 'metadata.sqlite'))
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})
const examined = (later = 120_000) => examineBatches(store.batches, 'here', Date.now() + later)

test('says nothing where there are none, and how many there are', async () => {
  expect(await examined()).toEqual({ words: null, problems: [] })
  await store.registry.change(publishing(await ended(store.batches, 'passed'), null), author())
  await ended(store.batches, 'passed')
  expect(await examined()).toEqual({ words: '1 live, 0 runs on the way', problems: [] })
})

test('names a run that nobody works on, and none that somebody does', async () => {
  const { run, lease } = await scoring(store.batches, parts(2))
  expect(await examined()).toEqual({ words: '0 live, 1 run on the way', problems: [] })
  const taken = await taking(store.batches, run.id)
  await store.batches.release(lease)
  // Whoever has a partition works on the run.
  expect((await examined()).problems).toEqual([])
  await store.batches.release(taken.lease)
  expect((await examined(0)).problems).toEqual([])
  expect((await examined()).problems).toEqual([
    {
      of: 'batches',
      severity: 'warning',
      what: "Run 1 of 'delays' is scoring, and nobody works on it.",
      fix: 'Go on with it by `sixfold batch resume delays@1`.',
    },
  ])
})
