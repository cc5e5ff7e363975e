/** What a training depends on beside its data and definitions: the code, the machine, and the packages of the command's interpreter. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, isAbsolute, join, relative, resolve } from 'node:path'
import { sha256 } from '../kernel/hash.ts'
import { formatBytes } from '../kernel/size.ts'

export interface Code {
  /** The top of the repository, and the project's folder within it. */
  readonly repository: string
  readonly folder: string
  readonly commit: string
  /** Paths that differ from the commit, or that it does not have; those that git ignores apart. */
  readonly changed: readonly string[]
}

export interface Packages {
  /** 'python 3.12.1', 'node 20.19.5'. */
  readonly language: string
  /** 'numpy==2.1.0', sorted. */
  readonly list: readonly string[]
}

const patienceMs = 30_000
const outputBytes = 16 * 1024 * 1024

/** Standard output; null where the program is not there, or does not end well. */
const ask = (program: string, args: readonly string[], folder: string): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { cwd: folder, timeout: patienceMs, maxBuffer: outputBytes, encoding: 'utf8' },
      (error, stdout) => resolve(error === null ? stdout : null),
    )
  })

export const git = (folder: string, ...args: readonly string[]): Promise<string | null> => ask('git', args, folder)

/** Null where the project is in no repository, or there is no commit. `own` are folders that the project writes to itself. */
export async function codeOf(project: string, own: readonly string[]): Promise<Code | null> {
  const told = await git(project, 'rev-parse', '--show-toplevel', '--show-prefix', 'HEAD')
  if (told === null) return null
  const [repository, prefix, commit] = told.split('\n') as [string, string, string]
  const apart = own
    .map((path) => relative(repository, resolve(project, path)))
    .filter((path) => path !== '' && !path.startsWith('..') && !isAbsolute(path))
    .map((path) => `:(exclude,top,literal)${path}`)
  const status = await git(repository, 'status', '--porcelain=v1', '-z', '--no-renames', '--', ':/', ...apart)
  if (status === null) return null
  const changed = status.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)]))
  return { repository, folder: prefix.replace(/\/$/, ''), commit, changed }
}

/** In words: 'Xeon …, 8 cores, 31.2 GiB, NVIDIA H100 80GB HBM3'. */
export async function hardware(): Promise<string> {
  const processors = cpus()
  const gpus = await ask('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], '.')
  return [
    processors[0]?.model.trim() || 'unknown processor',
    `${processors.length} ${processors.length === 1 ? 'core' : 'cores'}`,
    formatBytes(totalmem()),
    ...(gpus?.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()])) ?? []),
  ].join(', ')
}

const listing = `
import importlib.metadata as m, platform
print('python ' + platform.python_version())
print('\\n'.join(sorted({f"{d.metadata['Name']}=={d.version}" for d in m.distributions() if d.metadata['Name']}, key=str.lower)))
`

/** Of the program that the command starts: what Python has installed, and what Node's lockfile says. Null for any other. */
export async function packagesOf(command: readonly string[], project: string): Promise<Packages | null> {
  const program = command[0]!
  const name = basename(program)
  if (/^(python|pypy)[0-9.]*$/.test(name)) {
    const told = await ask(located(program, project), ['-c', listing], project)
    const [language, ...list] = (told ?? '').split('\n').filter((line) => line !== '')
    return language === undefined ? null : { language, list }
  }
  if (!/^(node|npm|npx|tsx|deno|bun)$/.test(name)) return null
  const version = await ask(located(program, project), ['--version'], project)
  if (version === null) return null
  const listed = await ask('npm', ['ls', '--all', '--parseable', '--long', '--silent'], project)
  const list = (listed ?? '').split('\n').flatMap((line) => line.split(':')[1]?.match(/^.+@[^@]+$/)?.[0] ?? [])
  return { language: `${name} ${version.trim().replace(/^v/, '')}`, list: [...new Set(list)].sort() }
}

/** A program with a slash in its name starts from the project's folder, as it does when it is run. */
export const located = (program: string, project: string): string =>
  program.includes('/') && !isAbsolute(program) && existsSync(join(project, program)) ? join(project, program) : program

export const packageLines = ({ language, list }: Packages): string => `${[`# ${language}`, ...list].join('\n')}\n`

export const hashOfPackages = (packages: Packages): string => sha256(packageLines(packages))
