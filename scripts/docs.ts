/**
 * What of the documents is made from the code: `npx jiti scripts/docs.ts` writes it, `tests/docs/generated.test.ts` makes it again
 * and compares.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { architecture } from './docs/architecture.ts'
import { cli } from './docs/cli.ts'
import { config } from './docs/config.ts'
import { errors } from './docs/errors.ts'
import { events } from './docs/events.ts'
import { functions } from './docs/functions.ts'
import { http } from './docs/http.ts'
import { search } from './docs/search.ts'

const pages: { readonly [path: string]: () => string | Promise<string> } = {
  'docs/architecture.svg': architecture,
  'docs/reference/cli.md': cli,
  'docs/reference/config.md': config,
  'docs/reference/errors.md': errors,
  'docs/reference/events.md': events,
  'docs/reference/functions.md': functions,
  'docs/reference/http.md': http,
  'docs/reference/search.md': search,
}

/** Each generated file, from the root of the repository, and its contents. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>()
  for (const [path, render] of Object.entries(pages)) made.set(path, formatted(path, await render()))
  return made
}

const root = join(import.meta.dirname, '..')

/** As the formatter leaves it, which lays out tables too: what is made anew is then what stands. */
function formatted(path: string, contents: string): string {
  if (!path.endsWith('.md')) return contents
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'format', `--stdin-file-path=${path}`], {
    cwd: root,
    input: contents,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${path} cannot be formatted: ${stderr}`)
  return stdout
}

if (process.argv[1]?.endsWith('scripts/docs.ts')) {
  for (const [path, contents] of await generate()) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents)
    process.stdout.write(`${path}\n`)
  }
}
