/**
 * A small project in a folder of its own, and the program `sixfold` called there as a user calls it: by its built file, in a process
 * of its own, with nothing of this one's environment that would change what it does.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { linearModel } from './onnx.ts'

const root = join(import.meta.dirname, '../..')
const program = join(root, 'dist/runtime/bin.js')
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIXFOLD_')))

export const platformText = `
import { count, entity, mean, model, parquet, platform, source, view } from 'sixfold'

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { order: 'int64', courier: 'string', minutes: 'float64', delivered: 'timestamp' },
  time: 'delivered',
  id: 'order',
  zone: 'UTC',
  history: parquet('history.parquet'),
})
const shifts = source('shifts', { fields: { courier: 'string', began: 'timestamp' }, time: 'began' })
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes }) => ({ mean_ever: mean(minutes).ever(), deliveries_ever: count().ever() }),
})
const work = view('work', { entity: courier, source: shifts, features: () => ({ shifts_1d: count().over('1d') }) })
const eta = model('eta', {
  inputs: { pace, request: { km: 'float64' } },
  vector: ({ pace, request }) => ({ mean_ever: pace.mean_ever.orElse(20), km: request.km }),
  output: { minutes: 'number' },
  fallback: ({ pace }) => ({ minutes: pace.mean_ever.orElse(30) }),
})

export default platform({ courier, deliveries, shifts, pace, work, eta })
`

export interface Project {
  readonly folder: string
  path(name: string): string
  write(name: string, contents: string | Uint8Array): Promise<void>
  /** Runs SQL in DuckDB, from the project's folder: for Parquet files, to be written and read. */
  sql(query: string): Promise<readonly (readonly unknown[])[]>
  /** History of so many deliveries, one an hour from the first of January 2024 on: order n by ann (even) or bob, of n minutes. */
  history(rows: number): Promise<void>
  run(...args: readonly string[]): Promise<Ran>
  /** With these variables besides. */
  runWith(variables: Variables, ...args: readonly string[]): Promise<Ran>
  start(...args: readonly string[]): Started
  startWith(variables: Variables, ...args: readonly string[]): Started
  dispose(): Promise<void>
}
export type Variables = { readonly [name: string]: string }
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
export interface Started {
  readonly child: ChildProcess
  /** What it said so far, on both streams. */
  said(): string
  /** Resolves when it has said that, from here on. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  end(signal?: NodeJS.Signals): Promise<Ran>
}

export async function project(definitions = platformText): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-cli-'))
  const path = (name: string): string => join(folder, name)
  const running = new Set<ChildProcess>()
  const write = async (name: string, contents: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true })
    await writeFile(path(name), contents)
  }
  const sql = async (query: string): Promise<readonly (readonly unknown[])[]> => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    try {
      await connection.run(`SET TimeZone = 'UTC'; SET file_search_path = '${folder}'`)
      return (await connection.runAndReadAll(query)).getRowsJson()
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }
  const startWith = (variables: Variables, args: readonly string[]): Started & { ran(): Omit<Ran, 'code'> } => {
    const started = spawned(folder, args, variables)
    running.add(started.child)
    started.child.once('exit', () => running.delete(started.child))
    return started
  }
  const runWith = (variables: Variables, ...args: readonly string[]): Promise<Ran> => {
    const started = startWith(variables, args)
    return once(started.child, 'close').then(([code]) => ({ ...started.ran(), code: code as number | null }))
  }
  await write('platform.ts', definitions)
  await write('sixfold.config.ts', "export default { platform: './platform.ts', server: { port: 0 } }\n")
  await write('package.json', '{ "type": "module" }')
  await write('eta.onnx', linearModel('minutes', [1, 2], 0.5))
  await mkdir(path('node_modules'))
  await symlink(root, path('node_modules/sixfold'))
  return {
    folder,
    path,
    write,
    sql,
    history: async (rows) => {
      await sql(
        `COPY (SELECT n AS "order", CASE WHEN n % 2 = 0 THEN 'ann' ELSE 'bob' END AS courier, CAST(n AS DOUBLE) AS minutes,
           TIMESTAMP '2024-01-01' + INTERVAL (n) HOUR AS delivered FROM range(${rows}) t(n)) TO '${path('history.parquet')}' (FORMAT parquet)`,
      )
    },
    start: (...args) => startWith({}, args),
    startWith: (variables, ...args) => startWith(variables, args),
    run: (...args) => runWith({}, ...args),
    runWith,
    dispose: async () => {
      await Promise.all(
        [...running].map((child) => {
          child.kill('SIGKILL')
          return once(child, 'exit')
        }),
      )
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function spawned(cwd: string, args: readonly string[], variables: Variables): Started & { ran(): Omit<Ran, 'code'> } {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const parts = { out: '', err: '', all: '' }
  let from = 0
  const listeners = new Set<() => void>()
  const hear = (stream: 'out' | 'err') => (chunk: Buffer) => {
    parts[stream] += chunk.toString()
    parts.all += chunk.toString()
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', hear('out'))
  child.stderr.on('data', hear('err'))
  return {
    child,
    said: () => parts.all,
    ran: () => ({ out: parts.out, err: parts.err }),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(parts.all.slice(from))
          if (found === null) return
          from += found.index + found[0].length
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
        void ended.then(() => reject(new Error(`It ended, and did not say ${pattern}: ${parts.all}`)))
        setTimeout(() => reject(new Error(`It does not say ${pattern}: ${parts.all}`)), 20_000).unref()
      }),
    end: async (signal = 'SIGTERM') => {
      child.kill(signal)
      const [code] = await ended
      return { code, out: parts.out, err: parts.err }
    },
  }
}

/** The body of the answer. */
/** The definitions in force, the view `pace` built from ten rows of history, and a server, with its address. */
export async function served(p: Project): Promise<{ readonly server: Started; readonly url: string }> {
  await p.history(10)
  for (const command of [['apply'], ['materialize', 'pace']]) {
    const { code, err } = await p.run(...command)
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${err}`)
  }
  const server = p.start('--json', 'serve')
  const [, url] = await server.says(/"url":"([^"]+)"/)
  return { server, url: url! }
}

export async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}
