/** What is made from the code is what the code says now; and the page about the architecture says what the rules say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importRules } from '../../scripts/docs/architecture.ts'
import { generate } from '../../scripts/docs.ts'

const root = join(import.meta.dirname, '../..')

test('generated documents are those of this code', { timeout: 60_000 }, async () => {
  for (const [path, contents] of await generate()) {
    const file = join(root, path)
    const standing = existsSync(file) ? readFileSync(file, 'utf8') : ''
    expect(standing, `${path} is not what the code says: run npx jiti scripts/docs.ts`).toBe(contents)
  }
})

/** Without the spaces that put columns under each other. */
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8').replace(/ +\|/g, ' |')
const core = ['kernel', 'expression', 'definition', 'aggregation', 'statistics', 'ports']
const patterns = ['access', 'features', 'inference', 'registry', 'monitoring', 'training', 'tracking', 'batch']

/** What the page's table says that a folder may import. */
function saidOf(folder: string): readonly string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${folder}\` |`))
  expect(row, `docs/architecture.md has no row for src/${folder}`).toBeDefined()
  const said = row!.split('|')[3]!
  const named = [...said.matchAll(/`([a-z]+)`/g)].map(([, name]) => name!)
  return [...named, ...(said.includes('the core') ? core : []), ...(said.includes('the patterns') ? patterns : [])]
}

test('docs/architecture.md says what each folder may import, as the rules do', () => {
  for (const [folder, allowed] of importRules()) {
    if (!existsSync(join(root, 'src', folder))) continue
    expect(new Set(saidOf(folder)), `src/${folder}`).toEqual(new Set(allowed))
  }
})

test('docs/architecture.md has a row for every folder of src', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) expect(page).toContain(`| \`${name}\` |`)
})
