/** docs/dependencies.md has a line for each dependency, and none for what is no longer one. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const manifests = ['package.json', 'console/package.json'].map((path) => join(root, path)).filter(existsSync)
const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')

/** Packages named in the first column of a table. */
const documented = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))

function dependenciesOf(path: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, string> | undefined>
  return ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  )
}

test('each dependency has its line in docs/dependencies.md', () => {
  const used = new Set(manifests.flatMap(dependenciesOf))
  const lines = documented(page)
  expect([...used].filter((name) => !lines.includes(name))).toEqual([])
  expect(lines.filter((name, i) => lines.indexOf(name) !== i)).toEqual([])
})

test('each line of docs/dependencies.md names a dependency', () => {
  const used = manifests.flatMap(dependenciesOf)
  const [own, console = ''] = page.split('## What the console needs')
  const lines = documented(manifests.length === 1 ? own! : own! + console)
  expect(lines.filter((name) => !used.includes(name))).toEqual([])
})
