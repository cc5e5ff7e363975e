/** What there is of models: model list, show, search, history, diff and card. */
import { writeFile } from 'node:fs/promises'
import type {
  AuditEntry,
  ModelDetail,
  ModelSummary,
  ModelVersion,
  ProductionPeriod,
  Registry,
  Stage,
  VersionDetail,
  VersionDiff,
  VersionSummary,
  Workbench,
} from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/size.ts'
import { stageIn } from '../../ports/registry-store.ts'
import { modelChanges } from '../../ports/webhook-events.ts'
import { parseFilter } from '../../tracking/index.ts'
import type { Command, Context } from '../command.ts'
import { defineCommand } from '../command.ts'
import { entryTable } from '../entries.ts'
import { count, instant, table } from '../text.ts'
import { checkLines, diffText, rail, rows, wayLines } from '../versions.ts'

export async function withWorkbench<T>(
  { tools, project }: Context,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  const workbench = await tools.open(project)
  try {
    return await work(workbench)
  } finally {
    await workbench.close()
  }
}

export const withRegistry = <T>(context: Context, work: (registry: Registry) => Promise<T>): Promise<T> =>
  withWorkbench(context, ({ registry }) => work(registry))

export const modelArgument = { name: '<model>', description: 'the name of the model' }
export const versionArgument = {
  name: '<version>',
  description: "a version: its number, an alias, a stage, or 'latest'",
}

/** A page of everything: the command line shows all there is. */
const page = 1_000

async function allModels(registry: Registry): Promise<readonly ModelSummary[]> {
  const all: ModelSummary[] = []
  for (;;) {
    const { items, more } = await registry.models({
      where: [],
      order: [{ of: 'attribute', key: 'name', descending: false }],
      limit: page,
      offset: all.length,
    })
    all.push(...items)
    if (!more || items.length === 0) return all
  }
}

type Listed =
  | { readonly models: readonly ModelSummary[]; readonly environment: string }
  | {
      readonly model: string
      readonly defined: boolean
      readonly environment: string
      readonly versions: readonly VersionSummary[]
      readonly pending: ModelDetail['pending']
    }

export const modelList = defineCommand<Listed>({
  name: 'model list',
  summary: 'All models, or the versions of one, newest first.',
  arguments: [{ name: '[model]', description: 'the model whose versions are wanted' }],
  examples: ['sixfold model list', 'sixfold model list late'],
  run: (context, [model]) =>
    withRegistry(context, async (registry) => {
      const { environment } = registry
      if (model === undefined) return { models: await allModels(registry), environment }
      const { defined, list, pending } = await registry.model(model)
      return { model, defined, environment, versions: list, pending }
    }),
  render: (listed) => ('models' in listed ? modelTable(listed.models, listed.environment) : versionTable(listed)),
})

const modelTable = (models: readonly ModelSummary[], environment: string): string =>
  models.length === 0
    ? 'There is no model yet: define one, or register one.'
    : table(
        ['model', 'defined', 'versions', 'newest', `in production in '${environment}'`, 'in staging', 'aliases'],
        models.map(({ name, defined, versions, newest, production, staging, aliases }) => [
          name,
          defined ? 'yes' : 'no',
          String(versions),
          newest === null ? '–' : String(newest),
          production === null ? (defined ? 'none: its fallback answers' : '–') : String(production),
          staging.length === 0 ? '–' : staging.join(', '),
          Object.entries(aliases)
            .map(([alias, version]) => `${alias} ${version}`)
            .join(', '),
        ]),
      )

function versionTable({ model, defined, versions, pending }: Extract<Listed, { readonly model: string }>): string {
  if (versions.length === 0)
    return defined
      ? `${model} has no version: its fallback answers. Add one: sixfold model add ${model} FILE`
      : `${model} has no version.`
  return [
    table(
      ['version', 'stage', 'added', 'by', 'size', 'manifest', 'aliases', 'description'],
      versions.map(({ version, stage, at, actor, bytes, manifest, aliases, description }) => [
        String(version),
        stage,
        instant(at),
        actor,
        formatBytes(bytes),
        manifest.slice(0, 12),
        aliases.join(', '),
        description ?? '',
      ]),
    ),
    ...(pending === null
      ? []
      : [
          '',
          `Rolled back to version ${pending.version} by ${pending.actor} at ${instant(pending.at)}: in force, and written down as soon as the metadata store answers.`,
        ]),
  ].join('\n')
}

type Shown = { readonly model: ModelDetail; readonly version: VersionDetail | null }

export const modelShow = defineCommand<Shown>({
  name: 'model show',
  summary: 'A model with its gate, or a version with its stage, facts, evidence, and what each next stage still asks.',
  arguments: [modelArgument, { ...versionArgument, name: '[version]' }],
  examples: ['sixfold model show late', 'sixfold model show late latest', 'sixfold model show late champion --json'],
  run: (context, [name, which]) =>
    withRegistry(context, async (registry) => ({
      model: await registry.model(name!),
      version: which === undefined ? null : await registry.version(name!, which),
    })),
  render: ({ model, version }) => (version === null ? modelText(model) : versionText(version)),
})

function modelText({
  name,
  defined,
  description,
  versions,
  production,
  staging,
  aliases,
  tags,
  gate,
}: ModelDetail): string {
  return [
    `${name}: ${defined ? 'defined by the platform' : 'kept, and not defined by the platform'}, ${count(versions, 'version')}`,
    ...rows([
      ['description', description],
      ['in production', production === null ? (defined ? 'none: its fallback answers' : 'none') : String(production)],
      ['in staging', staging.length === 0 ? null : staging.join(', ')],
      ['aliases', pairs(aliases)],
      ['tags', pairs(tags)],
    ]),
    ...gate.flatMap(({ stage, asks }) => ['', `To become ${stage}:`, ...asks.map((ask) => `  ${ask}`)]),
  ].join('\n')
}

const pairs = (of: { readonly [name: string]: string | number }): string | null =>
  Object.keys(of).length === 0
    ? null
    : Object.entries(of)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')

function versionText(version: VersionDetail): string {
  const { model, facts, files, stage, evidence, missing, approvals } = version
  const [validation] = evidence.filter(({ kind }) => kind === 'validation')
  const checks = (validation?.document as { readonly checks?: Parameters<typeof checkLines>[0] } | undefined)?.checks
  return [
    `${model} version ${version.version}`,
    '',
    `  ${rail(stage, version.validated)}`,
    '',
    ...rows([
      ['description', version.description],
      ['aliases', version.aliases.length === 0 ? null : version.aliases.join(', ')],
      ['tags', pairs(version.tags)],
      ['registered', instant(version.at)],
      ['source', version.source],
      ['run', version.run],
      ['manifest', version.manifest],
      ['files', files.map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`).join(', ')],
      ['inputs', tensors(version.inputs)],
      ['outputs', tensors(version.outputs)],
      [
        'data',
        facts.data === null
          ? null
          : `${facts.data.pointer}${facts.data.rows === null ? '' : `, ${count(facts.data.rows, 'row')}`}`,
      ],
      ['parameters', facts.configuration === null ? null : pairs(facts.configuration.parameters)],
      [
        'measured',
        facts.evaluation.length === 0
          ? null
          : facts.evaluation
              .filter(({ slice }) => slice === null)
              .map(({ metric, value }) => `${metric} ${value}`)
              .join(', '),
      ],
      [
        'opset',
        facts.dependencies?.opset == null
          ? null
          : `${facts.dependencies.opset}, onnxruntime ${facts.dependencies.runtime ?? 'of any version that has it'}`,
      ],
      ['not recorded', missing.length === 0 ? null : missing.join(', ')],
    ]),
    ...(validation === undefined
      ? []
      : [
          '',
          `Validation by ${validation.actor} at ${instant(validation.at)}: ${validation.passed ? 'passed' : 'failed'}`,
          ...checkLines(checks ?? []),
        ]),
    ...(approvals.length === 0
      ? []
      : [
          '',
          'Approvals',
          ...approvals.map(
            ({ actor, to, environment, at }) => `  ${actor}: ${to} in '${environment}', at ${instant(at)}`,
          ),
        ]),
    '',
    'From here',
    ...wayLines(version.ways).map((line) => `  ${line}`),
  ].join('\n')
}

const tensors = (all: ModelVersion['inputs']): string | null =>
  all.length === 0
    ? null
    : all
        .map(({ name, type, shape }) => `${name} ${type}[${shape.map((size) => (size < 0 ? '?' : size)).join(', ')}]`)
        .join(', ')

type Found = { readonly models: readonly ModelSummary[]; readonly environment: string } | FoundVersions
interface FoundVersions {
  readonly versions: readonly (ModelVersion & { readonly stage: Stage })[]
  readonly more: boolean
}

export const modelSearch = defineCommand<Found>({
  name: 'model search',
  summary: "Versions, or models, by a filter in MLflow's language.",
  arguments: [{ name: '<filter>', description: 'conditions joined by AND' }],
  options: [
    { flags: '--models', description: 'models instead of versions' },
    { flags: '--limit <n>', description: 'so many at most; by default 100' },
  ],
  examples: [
    `sixfold model search "tags.team = 'pricing'"`,
    `sixfold model search "name LIKE 'l%' AND tags.reviewed = 'yes'" --models`,
  ],
  run: (context, [filter], options) =>
    withRegistry(context, async (registry) => {
      const limit = numberOf(options['limit'], '--limit', 100)
      if (options['models'] === true) {
        const where = parseFilter('registered model', filter!)
        const { items } = await registry.models({ where, order: [], limit, offset: 0 })
        return { models: items, environment: registry.environment }
      }
      const where = parseFilter('model version', filter!)
      const { items, more } = await registry.searchVersions({ where, order: [], limit, offset: 0 })
      return { versions: items.map((one) => ({ ...one, stage: stageIn(one, registry.environment) })), more }
    }),
  render: (found) => ('models' in found ? modelTable(found.models, found.environment) : foundTable(found)),
})

const foundTable = ({ versions, more }: FoundVersions): string =>
  versions.length === 0
    ? 'No version is like that.'
    : [
        table(
          ['model', 'version', 'stage', 'added', 'run', 'tags', 'description'],
          versions.map(({ model, version, stage, at, run, tags, description }) => [
            model,
            String(version),
            stage,
            instant(at),
            run ?? '–',
            pairs(tags) ?? '',
            description ?? '',
          ]),
        ),
        ...(more ? ['There are more: see --limit.'] : []),
      ].join('\n')

export const modelDiff = defineCommand<VersionDiff>({
  name: 'model diff',
  summary: 'What differs between two versions, over all seven facts.',
  arguments: [
    modelArgument,
    { name: '<a>', description: 'a version: its number, an alias, a stage' },
    { name: '<b>', description: 'another' },
  ],
  examples: ['sixfold model diff late production latest', 'sixfold model diff late 3 4 --json'],
  run: (context, [model, a, b]) => withRegistry(context, (registry) => registry.diff(model!, a!, b!)),
  render: diffText,
})

interface History {
  readonly model: string
  readonly productions: readonly ProductionPeriod[]
  readonly entries: readonly AuditEntry[]
}

export const modelHistory = defineCommand<History>({
  name: 'model history',
  summary: 'Which versions were in production, and every change of a model with who made it and why.',
  arguments: [modelArgument, { ...versionArgument, name: '[version]' }],
  options: [{ flags: '--limit <n>', description: 'so many changes, the newest first; by default 50' }],
  run: (context, [model, which], options) =>
    withRegistry(context, async (registry) => {
      const limit = numberOf(options['limit'], '--limit', 50)
      const productions = await registry.productions((await registry.model(model!)).name)
      const version = which === undefined ? null : (await registry.version(model!, which)).version
      const entries = await registry.audit({
        model: model!,
        actions: modelChanges,
        limit,
        ...(version === null ? {} : { version }),
      })
      return {
        model: model!,
        productions: version === null ? productions : productions.filter((period) => period.version === version),
        entries,
      }
    }),
  render: ({ model, productions, entries }) =>
    [
      productions.length === 0
        ? `No version of ${model} was in production here.`
        : table(
            ['in production', 'from', 'until', 'by', 'how', 'why'],
            productions.map(({ version, from, until, actor, rollback, reason }) => [
              `version ${version}`,
              instant(from),
              until === null ? 'now' : instant(until),
              actor,
              rollback ? 'rolled back' : 'promoted',
              reason ?? '',
            ]),
          ),
      '',
      entryTable(entries),
    ].join('\n'),
})

export const modelCard = defineCommand<{
  readonly model: string
  readonly version: number
  readonly card: string
  readonly file: string | null
}>({
  name: 'model card',
  summary: 'The card of a version: what it is, how it was made and what it was found to do, in Markdown or as a page.',
  arguments: [modelArgument, versionArgument],
  options: [
    { flags: '--html', description: 'a page of HTML with plots, that stands alone' },
    { flags: '--out <file>', description: 'write it there' },
  ],
  examples: ['sixfold model card late production', 'sixfold model card late 4 --html --out late-4.html'],
  run: (context, [model, which], options) =>
    withRegistry(context, async (registry) => {
      const { version } = await registry.version(model!, which!)
      const card = await registry.card(model!, version, options['html'] === true ? 'html' : 'markdown')
      const file = options['out'] === undefined ? null : String(options['out'])
      if (file !== null) await writeFile(file, card)
      return { model: model!, version, card, file }
    }),
  render: ({ model, version, card, file }) =>
    file === null ? card.trimEnd() : `The card of ${model} version ${version} is in ${file}.`,
})

export function numberOf(given: unknown, name: string, usual: number): number {
  if (given === undefined) return usual
  const number = Number(given)
  if (Number.isSafeInteger(number) && number >= 1 && number <= 10_000) return number
  throw new SixfoldError('SX_USAGE', `${name} is a whole number from 1 to 10000, not '${String(given)}'.`)
}

export const modelCommands: readonly Command<unknown>[] = [
  modelList,
  modelShow,
  modelSearch,
  modelDiff,
  modelHistory,
  modelCard,
]
