/**
 * What changes models: add, validate, promote, archive, roll back, approve, alias, delete and gc. Each says what it will do before it does
 * it; with --dry-run it says no more. A gate that refuses is a result, with the exit code 1.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type {
  Added,
  AuditEntry,
  Collected,
  Consequence,
  Moved,
  Registry,
  RemoteAsked,
  RolledBack,
  Stage,
  Validation,
} from '../../api/index.ts'
import { stages } from '../../api/index.ts'
import { durationMs } from '../../kernel/duration.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/size.ts'
import { suggestion } from '../../kernel/suggest.ts'
import { askerOf, reasonOption } from '../asker.ts'
import type { Command, Context } from '../command.ts'
import { defineCommand } from '../command.ts'
import { count } from '../text.ts'
import { checkLines, consequenceText } from '../versions.ts'
import { modelArgument, versionArgument, withRegistry, withWorkbench } from './model.ts'

type Options = Readonly<Record<string, unknown>>

const dryRunOption = { flags: '--dry-run', description: 'say what it would do, and change nothing' }

export const textOption = (options: Options, name: string): string | null =>
  options[name] === undefined ? null : String(options[name])

export function stageOption(given: unknown, usual: Stage): Stage {
  if (given === undefined) return usual
  const stage = stages.find((one) => one === given)
  if (stage === undefined)
    throw new SixfoldError('SX_USAGE', `There is no stage '${String(given)}'. ${suggestion(String(given), stages)}`)
  return stage
}

// --- add

type AddedHere = Added & { readonly ok: boolean }

export const modelAdd = defineCommand<AddedHere>({
  name: 'model add',
  summary:
    'Add an ONNX file, or a folder with a model, as a version. It is validated, and goes live where its gates open.',
  arguments: [modelArgument, { name: '[path]', description: 'an ONNX file, or a folder: one that MLflow wrote, too' }],
  options: [
    {
      flags: '--remote <url>',
      description: 'instead of a path: where the model is on another server, v2+, tfserving+ or mlflow+ before the URL',
    },
    {
      flags: '--input <tensor>',
      description: "of a remote one, where its server does not say it: 'x:float32[-1,12]'",
      repeated: true,
    },
    { flags: '--output <tensor>', description: "likewise: 'y:float32[-1,1]'", repeated: true },
    { flags: '--note <text>', description: 'what is new; its description' },
    { flags: '--to <stage>', description: 'go no further than this stage; by default production' },
    {
      flags: '--facts <file>',
      description: 'JSON with data, configuration, evaluation and dependencies of its training',
    },
    {
      flags: '--golden <file>',
      description: 'recorded inputs and outputs, as JSON or Parquet, which it must give again',
    },
    reasonOption,
  ],
  examples: [
    'sixfold model add late models/late.onnx --note "more trees"',
    'sixfold model add late models/late --to staging --facts facts.json',
    'sixfold model add late --remote v2+http://triton:8000/models/late',
  ],
  run: (context, [model, path], options) =>
    withWorkbench(context, async ({ registry, describeRemote }) => {
      const remote = remoteOptions(path, options)
      const bar = context.progress(`Looking at ${remote?.url ?? path}`)
      const written = remote === null ? null : await writtenFile(await describeRemote(remote))
      try {
        const facts = textOption(options, 'facts')
        const golden = textOption(options, 'golden')
        const added = await registry.add(
          model!,
          written?.path ?? resolve(path!),
          {
            description: textOption(options, 'note'),
            to: options['to'] === undefined ? null : stageOption(options['to'], 'production'),
            facts: facts === null ? null : await jsonFile(facts),
            golden: golden === null ? null : resolve(golden),
            progress: (done) => bar.set(done),
            ...(remote === null ? {} : { source: remote.url }),
          },
          askerOf(options),
        )
        return { ok: added.stopped === null, ...added }
      } finally {
        bar.end()
        await written?.remove()
      }
    }),
  render: ({ version, added, stage, stopped }) =>
    [
      `${version.model} version ${version.version}${added ? '' : ', which was there already'}: ${formatBytes(version.files.reduce((sum, { bytes }) => sum + bytes, 0))}, manifest ${version.manifest.slice(0, 12)}, ${stage}`,
      ...version.inputs.map(({ name, type, shape }) => `  input ${name}: ${type}[${shapeText(shape)}]`),
      ...version.outputs.map(({ name, type, shape }) => `  output ${name}: ${type}[${shapeText(shape)}]`),
      ...(stopped === null ? [] : ['', consequenceText(stopped)]),
    ].join('\n'),
})

/** Null where a path names a file. */
function remoteOptions(path: string | undefined, options: Options): RemoteAsked | null {
  const list = (name: string): readonly string[] => (options[name] as readonly string[] | undefined) ?? []
  const [inputs, outputs] = [list('input'), list('output')]
  const url = textOption(options, 'remote')
  if (url === null && path === undefined)
    throw new SixfoldError('SX_USAGE', 'Name a file or a folder, or with --remote a model on another server.')
  if (url !== null && path !== undefined)
    throw new SixfoldError('SX_USAGE', `There is both a path, '${path}', and --remote.`)
  if (url === null && inputs.length + outputs.length > 0)
    throw new SixfoldError('SX_USAGE', '--input and --output are of models on other servers: a file says them itself.')
  return url === null ? null : { url, inputs, outputs }
}

async function writtenFile(text: string): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
  const path = join(folder, 'remote.json')
  await writeFile(path, text)
  return { path, remove: () => rm(folder, { recursive: true, force: true }) }
}

const shapeText = (shape: readonly number[]): string => shape.map((size) => (size < 0 ? '?' : size)).join(', ')

async function jsonFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new SixfoldError('SX_USAGE', `'${path}' cannot be read.`, { cause: error })
  })
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new SixfoldError('SX_USAGE', `'${path}' is no JSON: ${(error as Error).message}`, { cause: error })
  }
}

// --- validate

type ValidatedHere = Validation & { readonly ok: boolean; readonly model: string; readonly version: number }

export const modelValidate = defineCommand<ValidatedHere>({
  name: 'model validate',
  summary: 'Look at a version from all sides that its gate asks for. What was found is kept as evidence.',
  arguments: [modelArgument, versionArgument],
  options: [
    { flags: '--data <path>', description: 'held-out rows, instead of those that the gate names' },
    reasonOption,
  ],
  examples: ['sixfold model validate late latest'],
  run: (context, [model, which], options) =>
    withRegistry(context, async (registry) => {
      const { version } = await registry.version(model!, which!)
      const bar = context.progress(`Validating ${model} version ${version}`)
      try {
        const data = textOption(options, 'data')
        const result = await registry.validate(
          model!,
          version,
          { data: data === null ? null : resolve(data), progress: (done) => bar.set(done) },
          askerOf(options),
        )
        return { ok: result.passed, model: model!, version, ...result }
      } finally {
        bar.end()
      }
    }),
  render: ({ model, version, passed, moved, evidence, checks }) =>
    [
      `${model} version ${version} ${passed ? 'passed' : 'did not pass'}: evidence ${evidence.slice(0, 12)}`,
      ...checkLines(checks),
      ...(moved ? ['It is validated.'] : []),
    ].join('\n'),
})

// --- moves

interface MovedHere {
  readonly ok: boolean
  readonly done: boolean
  readonly consequence: Consequence
  readonly entries: Moved['entries']
}

async function moveHere(
  context: Context,
  registry: Registry,
  model: string,
  which: string,
  to: Stage,
  options: Options,
): Promise<MovedHere> {
  const asker = askerOf(options)
  const { version } = await registry.version(model, which)
  const consequence = await registry.consider(model, version, to, asker.actor)
  const nothing = { done: false, consequence, entries: [] }
  if (!consequence.allowed) return { ok: false, ...nothing }
  if (options['dryRun'] === true) return { ok: true, ...nothing }
  context.note(consequenceText(consequence))
  const expected = expectedOf(options['expected'])
  try {
    const { entries } = await registry.move(
      model,
      version,
      to,
      // What was just said of it is what it does: if that has changed meanwhile, nothing is done.
      {
        expected: {
          from: consequence.from,
          ...(expected ?? (to === 'production' ? { production: consequence.replaces } : {})),
        },
      },
      asker,
    )
    return { ok: true, done: true, consequence, entries }
  } catch (error) {
    if (!isSixfoldError(error) || error.code !== 'SX_GATE_REFUSED') throw error
    return {
      ok: false,
      ...nothing,
      consequence: (error.details['consequence'] as Consequence | undefined) ?? consequence,
    }
  }
}

function expectedOf(given: unknown): { readonly production: number | null } | null {
  if (given === undefined) return null
  if (given === 'none') return { production: null }
  const number = Number(given)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new SixfoldError('SX_USAGE', `--expected is the number of a version, or none; not '${String(given)}'.`)
  return { production: number }
}

const renderMoved = ({ done, consequence }: MovedHere): string =>
  done
    ? `Done: ${consequence.model} version ${consequence.version} is ${consequence.to === 'staging' || consequence.to === 'production' ? `in ${consequence.to}` : consequence.to}.`
    : consequenceText(consequence)

export const modelPromote = defineCommand<MovedHere>({
  name: 'model promote',
  summary: 'Move a version on, by default to production. What its gate asks is computed, and kept with the move.',
  arguments: [modelArgument, versionArgument],
  options: [
    { flags: '--to <stage>', description: 'validated, staging or production; by default production' },
    { flags: '--expected <version>', description: 'only if this version is in production now; none, if none is' },
    dryRunOption,
    reasonOption,
  ],
  examples: [
    'sixfold model promote late 4 --dry-run',
    'sixfold model promote late 4 --to staging',
    'sixfold model promote late 4 --reason "better in the evenings" --expected 3',
  ],
  run: (context, [model, which], options) =>
    withRegistry(context, (registry) =>
      moveHere(context, registry, model!, which!, stageOption(options['to'], 'production'), options),
    ),
  render: renderMoved,
})

export const modelArchive = defineCommand<MovedHere>({
  name: 'model archive',
  summary: 'Take a version out of use. It stays, and can come back.',
  arguments: [modelArgument, versionArgument],
  options: [dryRunOption, reasonOption],
  run: (context, [model, which], options) =>
    withRegistry(context, (registry) => moveHere(context, registry, model!, which!, 'archived', options)),
  render: renderMoved,
})

interface RolledBackHere {
  readonly ok: boolean
  readonly consequence: Consequence | null
  readonly done: RolledBack | null
}

export const modelRollback = defineCommand<RolledBackHere>({
  name: 'model rollback',
  summary: 'Put a version back in production that was there before; by default the one before.',
  arguments: [
    modelArgument,
    { name: '[version]', description: 'its number; by default the one that was in production before' },
  ],
  options: [
    {
      flags: '--url <url>',
      description:
        'have this server do it; where the metadata store does not answer, the one that the configuration has listen here is asked',
    },
    { flags: '--expected <version>', description: 'only if this version is in production now; none, if none is' },
    dryRunOption,
    reasonOption,
  ],
  examples: ['sixfold model rollback late', 'sixfold model rollback late 2 --reason "worse at night"'],
  run: async (context, [model, given], options) => {
    const version = given === undefined ? null : Number(given)
    if (version !== null && (!Number.isSafeInteger(version) || version < 1))
      throw new SixfoldError('SX_USAGE', `'${given}' is no number of a version.`)
    const asker = askerOf(options)
    const expected = expectedOf(options['expected'])
    const byServer = async (url: string | null): Promise<RolledBackHere> => {
      const done = await context.tools.rollback(context.project, url, model!, version, asker.reason)
      return { ok: true, consequence: null, done }
    }
    if (options['url'] !== undefined && options['dryRun'] !== true) return byServer(String(options['url']))
    try {
      return await withRegistry(context, async (registry) => {
        const consequence = await registry.considerRollback(model!, version)
        if (!consequence.allowed) return { ok: false, consequence, done: null }
        if (options['dryRun'] === true) return { ok: true, consequence, done: null }
        context.note(consequenceText(consequence))
        return { ok: true, consequence, done: await registry.rollback(model!, version, asker, expected ?? {}) }
      })
    } catch (error) {
      if (!isSixfoldError(error) || error.code !== 'SX_STORE_UNAVAILABLE' || options['dryRun'] === true) throw error
      context.note(`${error.message} A server is asked to roll back without it.`)
      return byServer(null)
    }
  },
  render: ({ consequence, done }) =>
    done === null
      ? consequenceText(consequence!)
      : `Done: ${done.model} version ${done.to} answers again${done.from === null ? '' : `, and version ${done.from} no longer`}.${done.pending ? ' The metadata store is away: it is in force, and is written down when that answers again.' : ''}`,
})

export const modelApprove = defineCommand<AuditEntry>({
  name: 'model approve',
  summary: 'Approve that a version moves on, where its gate asks for the approval of others.',
  arguments: [modelArgument, versionArgument],
  options: [{ flags: '--to <stage>', description: 'what it may become; by default production' }, reasonOption],
  run: (context, [model, which], options) =>
    withRegistry(context, async (registry) => {
      const { version } = await registry.version(model!, which!)
      return registry.approve(model!, version, stageOption(options['to'], 'production'), askerOf(options))
    }),
  render: ({ model, version, actor, details }) =>
    `${actor} approves: ${model} version ${version} to ${String(details['to'])}.`,
})

// --- names, and what goes

type Aliases = { readonly model: string; readonly aliases: { readonly [alias: string]: number } }

export const modelAlias = defineCommand<Aliases>({
  name: 'model alias',
  summary: "A model's aliases: all of them, or set one to a version, or take one away.",
  arguments: [
    modelArgument,
    { name: '[alias]', description: 'a name of your own: champion' },
    { name: '[version]', description: "a version: its number, a stage, or 'latest'" },
  ],
  options: [
    { flags: '--delete', description: 'take the alias away' },
    { flags: '--expected <version>', description: 'only if it names this version now; none, if it names none' },
    reasonOption,
  ],
  examples: [
    'sixfold model alias late',
    'sixfold model alias late champion 4',
    'sixfold model alias late champion --delete',
  ],
  run: (context, [model, alias, which], options) =>
    withRegistry(context, async (registry) => {
      if (alias !== undefined && options['delete'] === true) await registry.deleteAlias(model!, alias, askerOf(options))
      else if (alias !== undefined && which === undefined)
        throw new SixfoldError('SX_USAGE', `'${alias}' is to name a version: say which, or --delete.`)
      else if (alias !== undefined) {
        const { version } = await registry.version(model!, which!)
        await registry.setAlias(model!, alias, version, expectedOf(options['expected'])?.production, askerOf(options))
      }
      return { model: model!, aliases: (await registry.model(model!)).aliases }
    }),
  render: ({ model, aliases }) =>
    Object.keys(aliases).length === 0
      ? `${model} has no alias.`
      : Object.entries(aliases)
          .map(([alias, version]) => `${alias} → version ${version}`)
          .join('\n'),
})

export const modelDelete = defineCommand<AuditEntry>({
  name: 'model delete',
  summary: 'Delete a version that is in use nowhere, or a model with all its versions. Their files go with `model gc`.',
  arguments: [
    modelArgument,
    { name: '[version]', description: 'the number of the version; by default the whole model' },
  ],
  options: [reasonOption],
  run: (context, [model, which], options) =>
    withRegistry(context, async (registry) =>
      registry.change(
        which === undefined
          ? { kind: 'model.deleted', model: (await registry.model(model!)).name }
          : { kind: 'version.deleted', model: model!, version: (await registry.version(model!, which)).version },
        askerOf(options),
      ),
    ),
  render: ({ model, version }) => `Deleted: ${model}${version === null ? '' : ` version ${version}`}.`,
})

export const modelGc = defineCommand<Collected>({
  name: 'model gc',
  summary: 'Delete files of models to which nothing refers any more.',
  options: [
    dryRunOption,
    {
      flags: '--purge <age>',
      description: 'also what was deleted of runs, experiments and logged models so long ago: 30d',
    },
    reasonOption,
  ],
  examples: ['sixfold model gc --dry-run', 'sixfold model gc --purge 30d'],
  run: (context, _, options) =>
    withRegistry(context, async (registry) => {
      const purge = textOption(options, 'purge')
      const bar = context.progress('Collecting')
      try {
        return await registry.collect(
          { dryRun: options['dryRun'] === true, olderThanMs: purge === null ? null : durationMs(purge) },
          askerOf(options),
          (done) => bar.set(done),
        )
      } finally {
        bar.end()
      }
    }),
  render: ({ dryRun, purged, artifacts, bytes, kept }) =>
    [
      ...(purged.experiments + purged.runs + purged.loggedModels === 0
        ? []
        : [
            `${dryRun ? 'Deleted long enough ago' : 'Gone for good'}: ${count(purged.experiments, 'experiment')}, ${count(purged.runs, 'run')}, ${count(purged.loggedModels, 'logged model')}.`,
          ]),
      `${dryRun ? 'Nothing refers to' : 'Deleted'} ${count(artifacts.length, 'file')}, ${formatBytes(bytes)}${dryRun && artifacts.length > 0 ? ': sixfold model gc deletes them' : ''}. ${count(kept.artifacts, 'file')} in use, ${formatBytes(kept.bytes)}.`,
      ...(dryRun ? artifacts.slice(0, 20).map(({ sha256, bytes: size }) => `  ${sha256}  ${formatBytes(size)}`) : []),
      ...(dryRun && artifacts.length > 20 ? [`  and ${artifacts.length - 20} more`] : []),
    ].join('\n'),
})

export const modelChanges: readonly Command<unknown>[] = [
  modelAdd,
  modelValidate,
  modelApprove,
  modelPromote,
  modelArchive,
  modelRollback,
  modelAlias,
  modelDelete,
  modelGc,
]
