/**
 * sixfold.config.ts: where the definitions are, and how they run. Found in the working folder or above it; checked as a whole, so
 * that one run names every mistake.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import { z } from 'zod'
import type { Platform } from '../definition/graph.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import type { Limits } from '../kernel/limits.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import { suggestion } from '../kernel/suggest.ts'
import { standardPort } from './listen.ts'

export interface Config {
  /** The module whose default export, or export named `platform`, is the platform. From the config's folder. */
  readonly platform: string | Platform
  /** Where state, logs, models and metadata lie. By default '.sixfold'. */
  readonly data?: string
  readonly server?: { readonly host?: string; readonly port?: number }
  /** 'always': an acknowledged event also survives the loss of power. By default it does within a second. */
  readonly sync?: 'always' | 'second'
  readonly limits?: Partial<Limits>
  readonly duckdb?: { readonly threads?: number; readonly memory?: string }
}

/** For the editor: the type of a configuration. */
export const defineConfig = (config: Config): Config => config

const names = ['sixfold.config.ts', 'sixfold.config.mjs', 'sixfold.config.js']

const schema = z.strictObject({
  platform: z.union([
    z.string().min(1),
    z.custom<Platform>((value) => (value as Platform | null)?.kind === 'platform', 'is no platform'),
  ]),
  data: z.string().min(1).optional(),
  server: z.strictObject({ host: z.string().min(1).optional(), port: z.int().min(0).max(65535).optional() }).optional(),
  sync: z.enum(['always', 'second']).optional(),
  limits: z
    .strictObject(
      Object.fromEntries(Object.keys(standardLimits).map((name) => [name, z.number().positive().optional()])),
    )
    .optional(),
  duckdb: z.strictObject({ threads: z.int().positive().optional(), memory: z.string().optional() }).optional(),
})

export interface Project {
  readonly folder: string
  readonly file: string
  readonly platform: Platform
  readonly data: string
  readonly server: { readonly host: string; readonly port: number }
  readonly sync: 'always' | 'second'
  readonly limits: Partial<Limits>
  readonly duckdb: { readonly threads?: number; readonly memory?: string }
}

/** Throws SX_PROJECT_NOT_FOUND or SX_CONFIG_INVALID, and whatever the definitions throw. */
export async function loadProject(from: string): Promise<Project> {
  const file = findConfig(from)
  const folder = dirname(file)
  forget()
  const config = check(await load(file, 'SX_CONFIG_INVALID'), file)
  const environment = fromEnvironment(process.env)
  return {
    folder,
    file,
    platform:
      typeof config.platform === 'string'
        ? await loadPlatform(resolve(folder, config.platform), file)
        : config.platform,
    data: resolve(folder, environment.data ?? config.data ?? '.sixfold'),
    server: {
      host: environment.host ?? config.server?.host ?? '127.0.0.1',
      port: environment.port ?? config.server?.port ?? standardPort,
    },
    sync: config.sync ?? 'second',
    limits: config.limits ?? {},
    duckdb: config.duckdb ?? {},
  }
}

/** The folder of the project's configuration, whether or not that is sound. Throws SX_PROJECT_NOT_FOUND. */
export const projectFolder = (from: string): string => dirname(findConfig(from))

function findConfig(from: string): string {
  const start = resolve(from)
  if (names.some((name) => start.endsWith(name))) {
    if (existsSync(start)) return start
    throw new SixfoldError('SX_PROJECT_NOT_FOUND', `There is no file '${start}'.`)
  }
  if (!existsSync(start)) throw new SixfoldError('SX_PROJECT_NOT_FOUND', `There is no folder '${start}'.`)
  for (let folder = start; ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find(existsSync)
    if (found !== undefined) return found
    if (dirname(folder) === folder)
      throw new SixfoldError('SX_PROJECT_NOT_FOUND', `There is no ${names[0]} in '${start}' or above it.`)
  }
}

/** Definitions are TypeScript, which this Node may not read by itself. Modules of the package stay the package's own. */
async function load(
  file: string,
  code: 'SX_CONFIG_INVALID' | 'SX_DEFINITION_INVALID',
): Promise<Record<string, unknown>> {
  const jiti = createJiti(pathToFileURL(file).href, {
    moduleCache: true,
    interopDefault: false,
    nativeModules: ['sixfold'],
  })
  try {
    return (await jiti.import(file)) as Record<string, unknown>
  } catch (error) {
    throw inFile(error, file, code)
  }
}

/** What a project's own modules throw is the project's to mend: it is told with the place that it came from. */
function inFile(error: unknown, file: string, code: 'SX_CONFIG_INVALID' | 'SX_DEFINITION_INVALID'): SixfoldError {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  if (isSixfoldError(error)) {
    const place = placeIn(stack, file)
    return place === null
      ? error
      : new SixfoldError(error.code, `${place}: ${error.message}`, {
          fix: error.fix,
          details: error.details,
          cause: error,
        })
  }
  const said = message.split('\nRequire stack:')[0]!.replace(/\s*\n\s*/g, ' ')
  return new SixfoldError(code, `${placeIn(stack, file) ?? file}: ${said}`, {
    fix: 'Correct that file.',
    cause: error,
  })
}

/** The uppermost place of a stack that lies in the project and not in a package. */
function placeIn(stack: string, file: string): string | null {
  const folder = dirname(file)
  for (const [, path, line] of stack.matchAll(/\(?(?:file:\/\/)?(\/[^():\n]+|[A-Za-z]:[^():\n]+):(\d+):\d+\)?/g))
    if (path!.startsWith(folder) && !path!.includes('node_modules')) return `${path}:${line}`
  return null
}

/** Modules that were loaded before are read again: they may have changed. Packages are not. */
function forget(): void {
  const { cache } = createRequire(import.meta.url)
  for (const path of Object.keys(cache)) if (!/[\\/]node_modules[\\/]/.test(path)) delete cache[path]
}

function check(module: Record<string, unknown>, file: string): Config {
  const value = module['default']
  if (value === undefined)
    throw new SixfoldError('SX_CONFIG_INVALID', `'${file}' has no default export.`, {
      fix: 'export default defineConfig({ … })',
    })
  const result = schema.safeParse(value)
  if (result.success) return result.data as Config
  const problems = result.error.issues.map((issue) => {
    const key = issue.path.join('.')
    if (issue.code === 'unrecognized_keys')
      return issue.keys
        .map((name) => `'${key === '' ? name : `${key}.${name}`}' is unknown. ${suggestion(name, keysAt(issue.path))}`)
        .join(' ')
    return `'${key}': ${issue.message}.`
  })
  throw new SixfoldError('SX_CONFIG_INVALID', `${file}: ${problems.join(' ')}`)
}

const keysAt = (path: readonly PropertyKey[]): readonly string[] =>
  path[0] === 'limits'
    ? Object.keys(standardLimits)
    : path[0] === 'server'
      ? ['host', 'port']
      : path[0] === 'duckdb'
        ? ['threads', 'memory']
        : Object.keys(schema.shape)

async function loadPlatform(file: string, config: string): Promise<Platform> {
  if (!existsSync(file))
    throw new SixfoldError('SX_CONFIG_INVALID', `${config}: 'platform' names '${file}', which does not exist.`)
  const module = await load(file, 'SX_DEFINITION_INVALID')
  const found = [module['default'], module['platform'], ...Object.values(module)].find(
    (value): value is Platform => (value as Platform | null)?.kind === 'platform',
  )
  if (found === undefined)
    throw new SixfoldError('SX_CONFIG_INVALID', `'${file}' exports no platform.`, {
      fix: 'export default platform({ … })',
    })
  return found
}

function fromEnvironment(env: NodeJS.ProcessEnv): {
  readonly data?: string
  readonly host?: string
  readonly port?: number
} {
  const { SIXFOLD_DATA: data, SIXFOLD_HOST: host, SIXFOLD_PORT: port } = env as Record<string, string | undefined>
  if (port !== undefined && !/^\d{1,5}$/.test(port))
    throw new SixfoldError('SX_CONFIG_INVALID', `SIXFOLD_PORT is '${port}', not a port.`)
  return { ...(data ? { data } : {}), ...(host ? { host } : {}), ...(port ? { port: Number(port) } : {}) }
}
