/**
 * sixfold.config.ts: where the definitions are, and how they run. Found in the working folder or above it; checked as a whole, so
 * that one run names every mistake.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { SparkSettings } from '../adapters/spark/submit.ts'
import { standardSpark } from '../adapters/spark/submit.ts'
import type { Rates } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { Limits } from '../kernel/limits.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import type { Rate } from '../kernel/rate.ts'
import { suggestion } from '../kernel/suggest.ts'
import { providers } from '../ports/model-runtime.ts'
import type { ModelConfig } from './compute.ts'
import type { Environment } from './environment.ts'
import {
  environmentForm,
  environmentWords,
  memoryForm,
  readEnvironment,
  standardEnvironment,
  urlVariable,
} from './environment.ts'
import { standardPort } from './listen.ts'
import { forget, load, loadPlatform } from './modules.ts'
import type { StoreSettings } from './store-settings.ts'
import { passwordVariables, storePorts } from './store-settings.ts'
import { eachPort, readStoreUrl } from './store-urls.ts'

export interface Config {
  /** The module whose default export, or export named `platform`, is the platform. From the config's folder. */
  readonly platform: string | Platform
  /** Where state, logs, models and metadata lie. By default '.sixfold'. */
  readonly data?: string
  readonly server?: ServerConfig
  /** In which versions of models are put in production, and from which this project's servers answer. By default 'default'. */
  readonly environment?: string
  /** 'always': an acknowledged event also survives the loss of power. By default it does within a second. */
  readonly sync?: 'always' | 'second'
  readonly limits?: Partial<Limits>
  readonly duckdb?: { readonly threads?: number; readonly memory?: string }
  /** Where shared stores are. What is not named lies in the data folder. */
  readonly stores?: StoreUrls
  /** How models are computed here, by name. */
  readonly models?: { readonly [model: string]: ModelConfig }
  /** Servers on which models may be that this one asks: 'http://triton:8000'. By default none. */
  readonly remotes?: readonly string[]
  readonly batch?: BatchConfig
  /** A receiver of OpenLineage that is told of runs of batches. The key comes from SIXFOLD_OPENLINEAGE_KEY. */
  readonly openlineage?: { readonly url: string }
  readonly webhooks?: {
    /** True: what is told of changes may also go to private networks. By default to the internet alone. */
    readonly allowPrivate?: boolean
  }
}

export interface BatchConfig {
  /** False: no server of this project keeps the schedules of batches. By default one of them does. */
  readonly schedule?: boolean
  /** Runs that the schedule has worked on at once. By default 1. */
  readonly parallel?: number
  /** What computing costs here, for the price of a run. By default none is reckoned. */
  readonly rates?: Rates
  /** How Spark is started, for runs that ask for it. */
  readonly spark?: {
    /** By default `spark-submit` of the path. */
    readonly submit?: string
    /** 'local[*]', 'spark://host:7077', 'yarn'. By default as Spark is configured. */
    readonly master?: string
    /** `--conf`, by name. */
    readonly conf?: { readonly [name: string]: string }
  }
}

export interface ServerConfig {
  /** The address to listen on. By default 127.0.0.1. */
  readonly host?: string
  /** By default 6006; 0 takes any that is free. */
  readonly port?: number
  /** 'keys': whoever asks needs a key. By default 'auto': so it is on any address but one that this machine alone reaches. */
  readonly access?: 'auto' | 'keys'
  /** Names under which the server may be asked where no key is needed, beside those of this machine: of a proxy before it. */
  readonly hosts?: readonly string[]
  /** Of gRPC. By default 'next', the one after that of HTTP; 0 takes any that is free; null: none. */
  readonly grpcPort?: number | 'next' | null
  /** How often each key may ask, and, where none is needed, each address. By default as often as it likes. A key may have a rate of its own. */
  readonly rate?: Rate | null
}

/** Without passwords: those come from the environment. */
export interface StoreUrls {
  /** The state of entities. */
  readonly online?: string | undefined
  /** Events, predictions and outcomes. */
  readonly log?: string | undefined
  /** What was applied, and versions of models. */
  readonly metadata?: string | undefined
  /** Model files. */
  readonly artifacts?: string | undefined
  /** How paths that begin with s3:// are reached. By default as the environment's AWS settings say. */
  readonly offline?: string | undefined
  /** Batches as tables that SQL reads, where they ask for it. By default with the metadata, if that is in PostgreSQL. */
  readonly serving?: string | undefined
}

/** For the editor: the type of a configuration. */
export const defineConfig = (config: Config): Config => config

/** A scheme, a host and perhaps a port, and nothing else. */
function isOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, origin, username } = new URL(url)
  return /^https?:$/.test(protocol) && username === '' && url.replace(/\/$/, '') === origin
}

const names = ['sixfold.config.ts', 'sixfold.config.mjs', 'sixfold.config.js']

const schema = z.strictObject({
  platform: z.union([
    z.string().min(1),
    z.custom<Platform>((value) => (value as Platform | null)?.kind === 'platform', 'is no platform'),
  ]),
  data: z.string().min(1).optional(),
  server: z
    .strictObject({
      host: z.string().min(1).optional(),
      port: z.int().min(0).max(65535).optional(),
      access: z.enum(['auto', 'keys']).optional(),
      grpcPort: z
        .union([z.int().min(0).max(65535), z.literal('next')])
        .nullable()
        .optional(),
      rate: z
        .strictObject({ perSecond: z.number().positive(), burst: z.number().min(1).optional() })
        .nullable()
        .optional(),
      hosts: z
        .array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'is no name of a host, without a port'))
        .optional(),
    })
    .optional(),
  environment: z.string().regex(environmentForm, `is no ${environmentWords}`).optional(),
  sync: z.enum(['always', 'second']).optional(),
  limits: z
    .strictObject(Object.fromEntries(Object.keys(standardLimits).map((name) => [name, z.int().positive().optional()])))
    .optional(),
  duckdb: z
    .strictObject({
      threads: z.int().positive().optional(),
      memory: z.string().regex(memoryForm, "is no amount of memory, such as '4GB'").optional(),
    })
    .optional(),
  stores: z.strictObject(Object.fromEntries(storePorts.map((port) => [port, z.string().optional()]))).optional(),
  models: z
    .record(
      z.string(),
      z.strictObject({
        place: z.enum(['auto', 'inline', 'thread', 'process']).optional(),
        workers: z
          .union([z.int().positive(), z.strictObject({ min: z.int().positive(), max: z.int().positive() })])
          .optional(),
        providers: z.array(z.enum(providers)).min(1).optional(),
        batchRows: z.int().positive().optional(),
        queueRows: z.int().positive().optional(),
      }),
    )
    .optional(),
  remotes: z.array(z.string().refine((url) => isOrigin(url), "is no address such as 'http://triton:8000'")).optional(),
  batch: z
    .strictObject({
      schedule: z.boolean().optional(),
      parallel: z.int().min(1).max(64).optional(),
      rates: z
        .strictObject({
          cpuHour: z.number().nonnegative(),
          gib: z.number().nonnegative(),
          currency: z.string().min(1).max(8),
        })
        .optional(),
      spark: z
        .strictObject({
          submit: z.string().min(1).optional(),
          master: z.string().min(1).optional(),
          conf: z.record(z.string().regex(/^[\w.-]+$/, 'is no name of a setting'), z.string()).optional(),
        })
        .optional(),
    })
    .optional(),
  openlineage: z
    .strictObject({
      url: z
        .string()
        .refine((url) => /^https?:\/\//.test(url) && URL.canParse(url), "is no address such as 'http://marquez:5000'"),
    })
    .optional(),
  webhooks: z.strictObject({ allowPrivate: z.boolean().optional() }).optional(),
})

/** How a project runs, of the file and the environment together. */
export interface Settings {
  readonly folder: string
  readonly file: string
  readonly data: string
  readonly server: Required<ServerConfig>
  /** With which the first keys are made; null: none. */
  readonly adminKey: string | null
  /** With which commands ask a server; null: none. */
  readonly key: string | null
  readonly webhooks: { readonly allowPrivate: boolean }
  readonly batch: {
    readonly schedule: boolean
    readonly parallel: number
    readonly rates: Rates | null
    readonly spark: SparkSettings
  }
  /** Null: nobody is told. */
  readonly openlineage: { readonly url: string; readonly key: string | null } | null
  readonly models: { readonly [model: string]: ModelConfig }
  readonly remotes: readonly string[]
  /** By the address of each. */
  readonly remoteTokens: { readonly [remote: string]: string }
  readonly environment: string
  readonly sync: 'always' | 'second'
  readonly limits: Partial<Limits>
  readonly duckdb: { readonly threads?: number; readonly memory?: string }
  readonly stores: StoreSettings
}
export interface Project extends Settings {
  readonly platform: Platform
}

/** Throws SX_PROJECT_NOT_FOUND or SX_CONFIG_INVALID, and whatever the definitions throw. */
export async function loadProject(from: string): Promise<Project> {
  const { settings, platform } = await loadSettings(from)
  return { ...settings, platform: await platform() }
}

/** The definitions are loaded apart: what is wrong with them keeps nobody from looking at the rest. */
export async function loadSettings(
  from: string,
): Promise<{ readonly settings: Settings; readonly platform: () => Promise<Platform> }> {
  const file = findConfig(from)
  const folder = dirname(file)
  forget()
  const module = await load(file, 'SX_CONFIG_INVALID')
  const inFile: string[] = []
  const outside: string[] = []
  const config = check(module, file, (text) => inFile.push(text))
  const environment = readEnvironment(process.env, (text) => outside.push(text))
  const stores = storesOf(config.stores ?? {}, environment, inFile, outside)
  for (const remote of Object.keys(environment.remoteTokens))
    if (!(config.remotes ?? []).some((one) => one.replace(/\/$/, '') === remote))
      outside.push(`SIXFOLD_REMOTE_TOKENS names ${remote}, which is not among 'remotes'.`)
  if (inFile.length + outside.length > 0) throw invalid(file, inFile, outside)
  return {
    settings: {
      folder,
      file,
      data: resolve(folder, environment.data ?? config.data ?? '.sixfold'),
      server: {
        host: environment.host ?? config.server?.host ?? '127.0.0.1',
        port: environment.port ?? config.server?.port ?? standardPort,
        access: environment.access ?? config.server?.access ?? 'auto',
        hosts: config.server?.hosts ?? [],
        grpcPort: config.server?.grpcPort === undefined ? 'next' : config.server.grpcPort,
        rate: config.server?.rate ?? null,
      },
      adminKey: environment.adminKey,
      key: environment.key,
      webhooks: { allowPrivate: config.webhooks?.allowPrivate ?? false },
      batch: {
        schedule: config.batch?.schedule ?? true,
        parallel: config.batch?.parallel ?? 1,
        rates: config.batch?.rates ?? null,
        spark: { ...standardSpark, ...config.batch?.spark },
      },
      openlineage:
        config.openlineage === undefined ? null : { url: config.openlineage.url, key: environment.openLineageKey },
      models: config.models ?? {},
      remotes: config.remotes ?? [],
      remoteTokens: environment.remoteTokens,
      environment: environment.environment ?? config.environment ?? standardEnvironment,
      sync: environment.sync ?? config.sync ?? 'second',
      limits: { ...config.limits, ...environment.limits },
      duckdb: { ...config.duckdb, ...environment.duckdb },
      stores,
    },
    platform: async () =>
      typeof config.platform === 'string'
        ? loadPlatform(resolve(folder, config.platform), file)
        : (config.platform as Platform),
  }
}

/** All that is wrong, in one error. */
function invalid(file: string, inFile: readonly string[], outside: readonly string[]): SixfoldError {
  const told = [
    ...(inFile.length > 0 ? [`${file}: ${inFile.join(' ')}`] : []),
    ...(outside.length > 0 ? [`In the environment: ${outside.join(' ')}`] : []),
  ]
  return new SixfoldError('SX_CONFIG_INVALID', told.join(' '), {
    fix: inFile.length === 0 ? 'Change the named variable.' : 'Change what is named.',
    details: { problems: [...inFile.map((problem) => `${file}: ${problem}`), ...outside] },
  })
}

/** A variable's URL comes before the file's. */
function storesOf(urls: StoreUrls, environment: Environment, inFile: string[], outside: string[]): StoreSettings {
  return eachPort((port) => {
    const password = environment.passwords[port as keyof typeof passwordVariables] ?? null
    const variable = environment.urls[port]
    if (variable !== undefined)
      return readStoreUrl(port, { name: urlVariable(port), url: variable, inFile: false, password }, (text) => {
        outside.push(text)
      })
    const url = urls[port]
    if (url !== undefined)
      return readStoreUrl(port, { name: `stores.${port}`, url, inFile: true, password }, (text) => {
        inFile.push(text)
      })
    // Somebody meant a shared store: to go on with an embedded one would be found late.
    if (password !== null)
      outside.push(
        `${passwordVariables[port as keyof typeof passwordVariables]} is set, and neither ${urlVariable(port)} nor 'stores.${port}' says where that store is.`,
      )
    return null
  })
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

/** Of a configuration that is not sound, what can still be looked at. */
function check(module: Record<string, unknown>, file: string, problem: (text: string) => void): Partial<Config> {
  const value = module['default']
  if (value === undefined)
    throw new SixfoldError('SX_CONFIG_INVALID', `'${file}' has no default export.`, {
      fix: 'export default defineConfig({ … })',
    })
  const result = schema.safeParse(value)
  if (result.success) return result.data as Config
  for (const issue of result.error.issues) {
    const key = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') problem(`'${key}': ${issue.message}.`)
    else
      for (const name of issue.keys)
        problem(`'${key === '' ? name : `${key}.${name}`}' is unknown. ${suggestion(name, keysAt(issue.path))}`)
  }
  const stores = schema.shape.stores.safeParse((value as { readonly stores?: unknown } | null)?.stores)
  return stores.success ? { stores: stores.data ?? {} } : {}
}

const keysOf: { readonly [key: string]: readonly string[] } = {
  limits: Object.keys(standardLimits),
  server: ['host', 'port', 'access', 'hosts', 'grpcPort', 'rate'],
  models: ['place', 'workers', 'providers', 'batchRows', 'queueRows'],
  webhooks: ['allowPrivate'],
  duckdb: ['threads', 'memory'],
  stores: storePorts,
}

const keysAt = ([key]: readonly PropertyKey[]): readonly string[] =>
  key === undefined ? Object.keys(schema.shape) : keysOf[String(key)]!
