/** The same names as DuckDB finds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, expect, it } from 'vitest'
import { fixedPrefix, globMatcher, isGlob } from './glob.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-glob-'))
afterAll(() => rmSync(folder, { recursive: true }))
const files = [
  ...['a', 'b', 'Ab', 'ab', 'a[1]', 'a!', 'a^', 'a-', 'a]', 'a.b', '{a,b}', '.hidden', 'ä', 'a b'].map(
    (n) => `${n}.parquet`,
  ),
  ...['d/c', 'd/.z', 'd/e/g', 'd/e/f/i', '.h/k', 'day=1/x', 'day=2/x', 'day=2/hour=3/y'].map((n) => `${n}.parquet`),
  ...['notes.txt', 'd/parquet', 'parquet'],
]
for (const file of files) {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), '')
}

const globs = [
  ...[
    '*',
    '*.parquet',
    '*.*',
    '**',
    '**/*.parquet',
    'd/**',
    'd/**/*.parquet',
    'd/**/g.parquet',
    '**/f/*',
    '**.parquet',
    'd/**c.parquet',
  ],
  ...[
    'a?.parquet',
    '?.parquet',
    '??.parquet',
    '[ab].parquet',
    '[a-b].parquet',
    '[!a].parquet',
    '[^a].parquet',
    '[b-a].parquet',
  ],
  ...[
    'a[!1].parquet',
    'a[-].parquet',
    'a[]].parquet',
    'a[].parquet',
    'a[a.parquet',
    'a[[]1].parquet',
    '[A-Z]b.parquet',
    '[Aa]b.*',
  ],
  ...[
    'd*/*.parquet',
    'day=*/*.parquet',
    'day=*/**/*.parquet',
    'day=[12]/x.parquet',
    '{a,b}.parquet',
    'a.b.parquet',
    'd/c.parquet',
  ],
  ...['d/*', 'a *', '*b*', 'd', 'nothing', '*/e/*', '*/*/*/*'],
]

it('finds what DuckDB finds', async () => {
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  for (const glob of globs) {
    const found = await db.runAndReadAll(`SELECT file FROM glob('${join(folder, glob)}')`)
    const theirs = found.getRows().map(([path]) => String(path).slice(folder.length + 1))
    expect([glob, files.filter(globMatcher(glob)).sort()]).toEqual([glob, theirs.sort()])
  }
  db.closeSync()
})

it('knows what does not change in a glob', () => {
  expect(fixedPrefix('data/day=*/x.parquet')).toBe('data/day=')
  expect(fixedPrefix('data/[ab]')).toBe('data/')
  expect(fixedPrefix('data/x.parquet')).toBe('data/x.parquet')
  expect(['a/b.parquet', 'a/?', '**', 'x[1]'].map(isGlob)).toEqual([false, true, true, true])
})
