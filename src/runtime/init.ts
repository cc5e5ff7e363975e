/** A new project: the files of the template, written to an empty folder. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SixfoldError } from '../kernel/errors.ts'

const template = fileURLToPath(new URL('../../templates/start', import.meta.url))

/** Throws SX_USAGE where something stands that would be overwritten; then nothing was written. */
export async function writeProject(folder: string, version: string): Promise<readonly string[]> {
  const target = resolve(folder)
  const files = listFiles(template).map((path) => relative(template, path))
  // npm leaves files out of a package whose names begin with a dot.
  const named = (file: string): string => file.replace(/(^|\/)_/, '$1.')
  const standing = files.map(named).filter((file) => existsSync(join(target, file)))
  if (standing.length > 0)
    throw new SixfoldError('SX_USAGE', `'${folder}' has ${standing.join(', ')} already.`, {
      fix: 'Name a new or empty folder.',
    })
  for (const file of files) {
    const to = join(target, named(file))
    makeFolder(dirname(to))
    if (file === 'package.json')
      writeFileSync(to, readFileSync(join(template, file), 'utf8').replaceAll('SIXFOLD_VERSION', version))
    else cpSync(join(template, file), to)
  }
  return files.map(named).sort()
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new SixfoldError(
      'SX_USAGE',
      `'${path}' cannot be made${code === 'EEXIST' || code === 'ENOTDIR' ? ': a file is in its place' : ` (${code})`}.`,
      {
        fix: 'Name a new or empty folder.',
        cause: error,
      },
    )
  }
}

const listFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)],
  )
