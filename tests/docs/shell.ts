/**
 * Shell commands as they stand in documents, held against what exists: the commands of `sixfold` through its own parser, scripts
 * of package.json with the options that they take, files, routes of the server. A command of another kind is an error.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { routesOfServer } from '../../scripts/docs/http.ts'
import { main } from '../../src/cli/main.ts'
import { SixfoldError } from '../../src/kernel/errors.ts'
import { root } from './markdown.ts'

type Words = readonly string[]

/** Words of each command; quotes are taken off, comments left out. */
export function commandsIn(code: string): readonly Words[] {
  const commands: string[][] = [[]]
  let word: string | null = null
  const endWord = (): void => {
    if (word !== null) commands.at(-1)!.push(word)
    word = null
  }
  for (let i = 0; i < code.length; i++) {
    const letter = code[i]!
    if (letter === "'" || letter === '"') {
      const end = code.indexOf(letter, i + 1)
      if (end < 0) throw new Error(`A quote is not closed: ${code.slice(i, i + 40)}`)
      word = (word ?? '') + code.slice(i + 1, end)
      i = end
    } else if (letter === '\\') {
      if (code[i + 1] !== '\n') word = (word ?? '') + code[i + 1]
      i++
    } else if (letter === '#' && word === null) {
      while (i + 1 < code.length && code[i + 1] !== '\n') i++
    } else if (letter === '\n' || letter === ';' || (letter === '&' && code[i + 1] === '&')) {
      endWord()
      commands.push([])
      if (letter === '&') i++
    } else if (/\s/.test(letter)) endWord()
    else word = (word ?? '') + letter
  }
  endWord()
  return commands.filter((words) => words.length > 0)
}

/** A usage without a language: the command, then what it does behind three spaces or more; what may be left out in brackets. */
export const usageToShell = (code: string): string =>
  code
    .split('\n')
    .map((line) => line.replace(/\s{3,}.*$/, '').replace(/[[\]]/g, ''))
    .join('\n')

/** What is wrong with a command; null if nothing is. `files` are those that the page has had its reader write. */
export async function problemOf(words: Words, files: readonly string[]): Promise<string | null> {
  const assignments = words.findIndex((word) => !/^[A-Z][A-Z0-9_]*=/.test(word))
  const unread = words.slice(0, assignments).filter((word) => !isRead(word.split('=')[0]!))
  if (unread.length > 0) return `nothing reads ${unread.join(', ')}`
  const [program, ...rest] = words.slice(assignments) as [string, ...string[]]
  const exists = (path: string): string | null =>
    files.includes(path) || existsSync(join(root, path)) ? null : `there is no file ${path}`
  switch (program) {
    case 'sixfold':
      return problemOfSixfold(rest)
    case 'npx':
      return rest[0] === 'sixfold'
        ? problemOfSixfold(rest.slice(1))
        : rest[0] === 'jiti'
          ? exists(rest[1] ?? '')
          : rest[0] === 'tsc'
            ? null
            : `npx ${rest[0]} is not known here`
    case 'npm':
      return problemOfNpm(rest)
    case 'curl':
      return problemOfCurl(rest)
    case 'node':
    case 'python':
      return exists(rest[0] ?? '')
    case 'pip':
      return problemOfPip(rest, exists)
    case 'docker':
    case 'kubectl':
      return problemOfFiles(rest, exists)
    case 'cp':
      return rest.length === 2 ? exists(rest[0]!) : 'cp takes two files'
    case 'mkdir':
    case 'cd':
      return rest.length === 1 ? null : `${program} takes one folder`
    default:
      return `'${program}' is not known here`
  }
}

/** Of programs that tests do not have: at least the files of the repository that they are given are there. */
function problemOfFiles(args: Words, exists: (path: string) => string | null): string | null {
  for (const [i, word] of args.entries())
    if (['-f', '-k', '--file', '--kustomize'].includes(word)) {
      const problem = exists(args[i + 1] ?? '')
      if (problem !== null) return problem
    }
  return null
}

let sources: string | null = null
function isRead(variable: string): boolean {
  sources ??= execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.py'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && !file.startsWith('tests/docs/') && existsSync(join(root, file)))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  return new RegExp(`\\b${variable}\\b`).test(sources)
}

/** The command line's own parser, with tools that do nothing: a command that reaches them was called rightly. */
async function problemOfSixfold(args: Words): Promise<string | null> {
  const reached = new SixfoldError('SX_INTERNAL', 'reached')
  const tools = new Proxy({} as never, {
    get: (_, name) => (name === 'version' ? '0' : () => Promise.reject(reached)),
  })
  const said: string[] = []
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0),
  )
  try {
    const code = await main(args, tools)
    return code === 2 || !(code === 0 || said.join('').includes('reached')) ? said.join('').trim() : null
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

function problemOfNpm([command, ...rest]: Words): string | null {
  if (command === 'init' || command === 'pkg') return null
  if (command === 'install') {
    const known = [
      'sixfold',
      ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies }),
    ]
    const unknown = rest.filter((word) => !word.startsWith('-') && !known.includes(word))
    return unknown.length > 0 ? `${unknown.join(', ')} is no dependency` : null
  }
  const script = command === 'run' ? rest[0] : command
  if (script === undefined || manifest.scripts[script] === undefined) return `there is no script '${script}'`
  const dashes = rest.indexOf('--')
  return dashes < 0 ? null : problemOfArguments(script, rest.slice(dashes + 1))
}

/** Where the arguments of a script end up. */
const programs: Readonly<Record<string, string>> = {
  start: 'examples/flights/start.ts',
  bench: 'benchmarks/run.ts',
  drill: 'drills/run.ts',
}

function problemOfArguments(script: string, args: Words): string | null {
  if (script === 'test') {
    const missing = args.filter((path) => !path.startsWith('-') && !existsSync(join(root, path)))
    return missing.length > 0 ? `there is no ${missing.join(', ')}` : null
  }
  const program = programs[script]
  if (program === undefined) return `it is not known what 'npm run ${script}' does with arguments`
  const text = readFileSync(join(root, program), 'utf8')
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!
    const option = /^--([a-z-]+)$/.exec(word)?.[1]
    const declared = option === undefined ? null : new RegExp(`[\\s{]'?${option}'?: \\{ type: '(\\w+)'`).exec(text)
    if (option !== undefined && declared === null) return `${program} has no option ${word}`
    if (declared?.[1] === 'string') i++
    if (option === undefined && !new RegExp(`[{ ']${word}[', ]`).test(text)) return `${program} knows no '${word}'`
  }
  return null
}

const routes = routesOfServer().map((route) => {
  const [method, path] = route.split(' ') as [string, string]
  return { method, pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`) }
})

function problemOfCurl(args: Words): string | null {
  let url: string | null = null
  let body: string | null = null
  let method: string | null = null
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!
    if (word === '-s' || word === '-i') continue
    if (word === '-H') i++
    else if (word === '-d') body = args[++i] ?? ''
    else if (word === '-X') method = args[++i] ?? ''
    else if (word.startsWith('-')) return `curl ${word} is not known here`
    else url = word
  }
  if (url === null || !URL.canParse(url)) return 'curl has no address'
  if (body !== null) JSON.parse(body)
  const used = method ?? (body === null ? 'GET' : 'POST')
  const { pathname } = new URL(url)
  return routes.some((route) => route.method === used && route.pattern.test(pathname))
    ? null
    : `the server has no ${used} ${pathname}`
}

function problemOfPip([command, ...rest]: Words, exists: (path: string) => string | null): string | null {
  if (command !== 'install') return `pip ${command} is not known here`
  if (rest[0] === '-r') return exists(rest[1] ?? '')
  const pinned = readFileSync(join(root, 'examples/flights/train/requirements.txt'), 'utf8')
  const unknown = rest.filter((name) => !new RegExp(`^${name}\\b`, 'm').test(pinned))
  return unknown.length > 0 ? `${unknown.join(', ')} is in no requirements.txt` : null
}
