/**
 * What reads a column or a feature, and so what breaks if it goes: versions in production first, then those on their way there, what their
 * gates ask, what is only defined, and what one could no longer go back to.
 */
import type { Platform } from '../../definition/graph.ts'
import { modelsOf, sourceNamed, trainingOf, viewNamed } from '../../definition/graph.ts'
import { requestOf } from '../../definition/model.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { ModelVersion, RegistryStore, Stage } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import type { Lineage } from '../registry.ts'
import type { LineageOptions } from './back.ts'
import type { Drawing } from './drawing.ts'
import { drawing, listed, plural } from './drawing.ts'
import type { FeatureName, ModelReads, Part } from './reads.ts'
import { nameOfFeature, readersOfColumn, readsOfModel, splitName } from './reads.ts'

/** Of versions that are in no stage that matters, so many of each model are drawn; all are counted. */
const drawnOthers = 20

export async function ofColumn(source: string, column: string, options: LineageOptions): Promise<Lineage> {
  const { platform } = options
  const { fields, history } = sourceNamed(platform, source)
  if (!Object.hasOwn(fields, column))
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `Source '${source}' has no column '${shorten(column)}'. ${suggestion(column, Object.keys(fields))}`,
      { fix: 'Name a field of the source.' },
    )
  const drawn = drawing()
  const start = drawn.node('column', `${source}.${column}`, `${source}.${column}`)
  drawn.edge(drawn.node('source', source, source, { history: history?.path ?? null }), start)
  const readers = readersOfColumn(platform, source, column)
  for (const [feature, parts] of readers) drawFeature(drawn, feature, start, parts)
  const says = await whatReads(drawn, `${source}.${column}`, new Set(readers.keys()), options)
  return drawn.done([
    ...says.worst,
    ...saysOfViews(readers),
    ...saysOfLabels(platform, history?.path ?? null, column),
    ...says.rest,
  ])
}

export async function ofFeature(view: string, feature: string, options: LineageOptions): Promise<Lineage> {
  const { basis } = viewNamed(options.platform, view)
  if (!Object.hasOwn(basis.features, feature))
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `View '${view}' has no feature '${shorten(feature)}'. ${suggestion(feature, Object.keys(basis.features))}`,
      { fix: 'Name a feature of the view.' },
    )
  const drawn = drawing()
  const name = nameOfFeature(view, feature)
  drawFeature(drawn, name, null, [])
  const says = await whatReads(drawn, name, new Set([name]), options)
  return drawn.done([...says.worst, ...says.rest])
}

function drawFeature(drawn: Drawing, name: FeatureName, column: string | null, parts: readonly Part[]): void {
  const [view] = splitName(name)
  const node = drawn.node('feature', name, name)
  if (column !== null) for (const part of parts) drawn.edge(column, node, part === 'value' ? null : part)
  drawn.edge(drawn.node('view', view, view), node)
}

/** How bad it is that a version can no longer be computed, by its stage. */
const order: readonly Stage[] = ['production', 'staging', 'validated', 'registered', 'archived']

async function whatReads(
  drawn: Drawing,
  what: string,
  features: ReadonlySet<FeatureName>,
  { platform, store, environment }: LineageOptions,
): Promise<{ readonly worst: readonly string[]; readonly rest: readonly string[] }> {
  const worst: [stage: number, sentence: string][] = []
  const rest: string[] = []
  const models = modelsOf(platform).map((model) => readsOfModel(platform, model))
  for (const reads of models) {
    const { name } = reads.model
    const entries = readersIn(reads.entries, features)
    const fallback = readersIn(reads.fallback, features)
    const versions = (await store.versions(name)).flatMap((version) => {
      const read = entriesOf(version, features)
      return read.length === 0 ? [] : [{ version, read, stage: stageIn(version, environment) }]
    })
    if (entries.length === 0 && fallback.length === 0 && versions.length === 0) continue
    const model = drawModel(drawn, reads, features)
    const others = drawVersions(drawn, model, versions, features)
    for (const { version, read, stage } of versions)
      if (stage === 'production' || stage === 'staging')
        worst.push([order.indexOf(stage), sentenceOf(name, version, read, stage, what, environment)])
    if (fallback.length > 0)
      worst.push([
        1.5,
        `The fallback of ${name} reads it for ${listed(fallback)}: nothing would answer where no version does.`,
      ])
    const gate = Object.entries(reads.gate).flatMap(([part, read]) =>
      read.some((entry) => entries.includes(entry)) ? [part] : [],
    )
    if (gate.length > 0) worst.push([2, `The gate of ${name} asks for it: ${listed(gate)}.`])
    if (entries.length > 0 && !versions.some(({ stage }) => stage === 'production'))
      rest.push(
        `${name} is defined to read it for ${listed(entries)}, and no version of it that does is in production.`,
      )
    if (others > 0)
      rest.push(
        `${plural(others, 'other version')} of ${name} ${others === 1 ? 'reads' : 'read'} it, and could not answer without it.`,
      )
  }
  worst.push(...(await undefinedModels(drawn, what, features, platform, store, environment)))
  if (worst.length + rest.length === 0)
    rest.push(
      features.size === 0
        ? `No feature reads ${what}: it can go.`
        : `No model and no version reads ${what}: no prediction would change.`,
    )
  return { worst: worst.sort(([a], [b]) => a - b).map(([, sentence]) => sentence), rest }
}

/** Models that no platform defines any more are still served as they were: their versions say what they read. */
async function undefinedModels(
  drawn: Drawing,
  what: string,
  features: ReadonlySet<FeatureName>,
  platform: Platform,
  store: RegistryStore,
  environment: string,
): Promise<readonly [stage: number, sentence: string][]> {
  const defined = new Set(modelsOf(platform).map(({ name }) => name))
  const found: [number, string][] = []
  for (const version of await store.production(environment)) {
    const read = defined.has(version.model) ? [] : entriesOf(version, features)
    if (read.length === 0) continue
    drawVersions(drawn, null, [{ version, read, stage: 'production' }], features)
    found.push([0, sentenceOf(version.model, version, read, 'production', what, environment)])
  }
  return found
}

function sentenceOf(
  model: string,
  { version, facts }: ModelVersion,
  read: readonly string[],
  stage: 'production' | 'staging',
  what: string,
  environment: string,
): string {
  const all = facts.schema?.entries.length ?? read.length
  const share = `${read.length} of its ${all} entries ${read.length === 1 ? 'reads' : 'read'} ${what}: ${listed(read)}`
  return stage === 'production'
    ? `${model} ${version} answers in production (${environment}); ${share}.`
    : `${model} ${version} is in staging (${environment}); ${share}.`
}

/** What of a version's own record reads one of the features. */
const entriesOf = ({ facts }: ModelVersion, features: ReadonlySet<FeatureName>): readonly string[] =>
  (facts.schema?.entries ?? []).flatMap(({ name, reads }) =>
    reads.some((read) => features.has(read as FeatureName)) ? [name] : [],
  )

const readersIn = (
  all: { readonly [name: string]: readonly FeatureName[] },
  features: ReadonlySet<FeatureName>,
): readonly string[] =>
  Object.entries(all).flatMap(([name, read]) => (read.some((feature) => features.has(feature)) ? [name] : []))

function drawModel(
  drawn: Drawing,
  { model, entries, fallback }: ModelReads,
  features: ReadonlySet<FeatureName>,
): string {
  const node = drawn.node('model', model.name, model.name, { description: model.description })
  for (const feature of features) {
    const read = readersIn(entries, new Set([feature]))
    const other = readersIn(fallback, new Set([feature]))
    if (read.length > 0) drawn.edge(`feature:${feature}`, node, listed(read))
    if (other.length > 0) drawn.edge(`feature:${feature}`, node, 'fallback')
  }
  return node
}

/** Gives how many are in no stage that matters. */
function drawVersions(
  drawn: Drawing,
  model: string | null,
  versions: readonly { readonly version: ModelVersion; readonly read: readonly string[]; readonly stage: Stage }[],
  features: ReadonlySet<FeatureName>,
): number {
  let others = 0
  for (const { version, read, stage } of versions) {
    if (stage !== 'production' && stage !== 'staging' && ++others > drawnOthers) continue
    const name = `${version.model} ${version.version}`
    const node = drawn.node('version', `${version.model}/${version.version}`, name, {
      stage,
      entries: listed(read),
      aliases: version.aliases.join(', ') || null,
    })
    if (model !== null) drawn.edge(model, node, 'version')
    else
      for (const { reads } of version.facts.schema?.entries ?? [])
        for (const feature of reads) if (features.has(feature as FeatureName)) drawn.edge(`feature:${feature}`, node)
    for (const alias of version.aliases) drawn.edge(node, drawn.node('alias', `${version.model}@${alias}`, alias))
  }
  return others
}

const partWords: { readonly [P in Exclude<Part, 'value'>]: string } = {
  key: 'its key',
  time: 'the time of its events',
  arrival: 'when its events were known',
  order: 'the order of its events',
  id: 'what tells its events apart',
}

/** A column that is the key or the time of a view takes all of it along. */
function saysOfViews(readers: ReadonlyMap<FeatureName, readonly Part[]>): readonly string[] {
  const views = new Map<string, { readonly features: string[]; readonly whole: Set<Part> }>()
  for (const [name, parts] of readers) {
    const [view, feature] = splitName(name)
    const known = views.get(view) ?? { features: [], whole: new Set<Part>() }
    known.features.push(feature)
    for (const part of parts) if (part !== 'value') known.whole.add(part)
    views.set(view, known)
  }
  return [...views].map(([view, { features, whole }]) => {
    const why = [...whole].map((part) => partWords[part as Exclude<Part, 'value'>])
    return whole.size > 0
      ? `All of ${view} goes with it (${plural(features.length, 'feature')}): it is ${listed(why)}.`
      : `Of ${view}, ${plural(features.length, 'feature')} ${features.length === 1 ? 'reads' : 'read'} it: ${listed(features)}.`
  })
}

/** Labels may lie in the same file as a history. */
function saysOfLabels(platform: Platform, path: string | null, column: string): readonly string[] {
  return modelsOf(platform).flatMap((model) => {
    const training = trainingOf(platform, model)
    if (training === null || path === null || training.labels.path !== path) return []
    const uses = [
      ...(training.at === column ? ['the instant of each row'] : []),
      ...(Object.hasOwn(model.key, column) ? ['a key'] : []),
      ...(Object.hasOwn(requestOf(model.inputs), column) ? ['a request field'] : []),
    ]
    return uses.length === 0
      ? []
      : [`${model.name} is trained on labels of the same file, where it is ${listed(uses)}.`]
  })
}
