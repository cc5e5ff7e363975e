/** Where an answer, a version or a run comes from: run, data, features, columns and sources. */
import { hashOfDefinition } from '../../definition/describe.ts'
import type { Platform } from '../../definition/graph.ts'
import { allViewsOf, modelsOf } from '../../definition/graph.ts'
import type { LoggedPrediction, PredictionReader } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { MetadataStore } from '../../ports/metadata-store.ts'
import type { Facts, ModelVersion, RegistryStore } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import type { Run, TrackingStore } from '../../ports/tracking-store.ts'
import type { Lineage } from '../registry.ts'
import type { Drawing } from './drawing.ts'
import { drawing, listed, plural } from './drawing.ts'
import type { FeatureName, ViewForm } from './reads.ts'
import { featuresIn, formOf, nameOfFeature, readsOfFeature, splitName } from './reads.ts'

export interface LineageOptions {
  readonly platform: Platform
  readonly store: RegistryStore
  readonly tracking: TrackingStore
  /** Views as they were: the history of what was applied. */
  readonly metadata: Pick<MetadataStore, 'history'>
  readonly predictions: PredictionReader
  readonly environment: string
}

const versionKey = (model: string, version: number): string => `${model}/${version}`
/** How far back it is looked for a view as it was. */
const appliedBefore = 200
const mostVersions = 100

export async function ofPrediction(id: string, options: LineageOptions): Promise<Lineage> {
  const drawn = drawing()
  const logged = await options.predictions.find(id)
  const { schema, version, at, outputs, degraded } = logged
  const prediction = drawn.node('prediction', id, id, {
    at: formatInstant(at),
    ...Object.fromEntries(schema.outputs.map((name, i) => [name, String(outputs[i])])),
    degraded: degraded.map(({ stage, reason }) => `${stage}: ${reason}`).join(', ') || null,
  })
  const seen = schema.groups.flatMap(({ view, features }) => features.map(({ name }) => nameOfFeature(view, name)))
  if (version === null) {
    const says = [
      `The fallback of ${schema.model} answered: ${degraded.map(({ reason }) => reason).join(', ') || 'there was no version'}.`,
    ]
    const model = drawn.node('model', schema.model, schema.model, { definition: schema.definition })
    drawn.edge(model, prediction, 'fallback')
    const read = fallbackReads(logged, options) ?? seen
    await drawFeatures(drawn, model, new Map(read.map((name) => [name, []])), {}, options)
    return drawn.done(says)
  }
  const found = await options.store.version(schema.model, Number(version))
  if (found === null) {
    const gone = drawn.node('version', versionKey(schema.model, Number(version)), `${schema.model} ${version}`, {
      deleted: 'yes',
    })
    drawn.edge(gone, prediction)
    return drawn.done([`${schema.model} ${version} answered, and was deleted since.`])
  }
  const { node, says } = await drawVersion(drawn, found, options)
  drawn.edge(node, prediction, 'answered')
  const words =
    degraded.length === 0 ? '' : ` The answer was degraded: ${degraded.map(({ reason }) => reason).join(', ')}.`
  return drawn.done([`${schema.model} ${version} answered at ${formatInstant(at)}.${words}`, ...says])
}

/** Null where the model is defined otherwise by now. */
function fallbackReads({ schema }: LoggedPrediction, { platform }: LineageOptions): readonly FeatureName[] | null {
  const model = modelsOf(platform).find(({ name }) => name === schema.model)
  if (model === undefined || hashOfDefinition(model) !== schema.definition) return null
  return Object.values(model.fallback).flatMap((node) => ('kind' in node ? featuresIn(model, node) : []))
}

export async function ofVersion(model: string, version: number, options: LineageOptions): Promise<Lineage> {
  const found = await options.store.version(model, version)
  if (found === null) throw new SixfoldError('SX_UNKNOWN_VERSION', `'${shorten(model)}' has no version ${version}.`)
  const drawn = drawing()
  const { node, says } = await drawVersion(drawn, found, options)
  for (const alias of found.aliases) drawn.edge(node, drawn.node('alias', `${model}@${alias}`, alias))
  return drawn.done(says)
}

export async function ofRun(id: string, options: LineageOptions): Promise<Lineage> {
  const run = await options.tracking.run(id)
  if (run === null) throw new SixfoldError('SX_UNKNOWN_RUN', `There is no run '${shorten(id)}'.`)
  const drawn = drawing()
  const node = drawRun(drawn, run)
  const { items, more } = await options.store.searchVersions({
    where: [{ of: 'attribute', key: 'run_id', operator: '=', value: id }],
    order: [{ of: 'attribute', key: 'creation_timestamp', descending: false }],
    limit: mostVersions,
    offset: 0,
  })
  const says = [
    items.length === 0
      ? 'No version was registered from it.'
      : `${listed(items.map(({ model, version }) => `${model} ${version}`))}${more ? ' and others' : ''} ${items.length === 1 ? 'was' : 'were'} registered from it.`,
  ]
  for (const version of items) {
    const drawnVersion = await drawVersion(drawn, version, options)
    says.push(...drawnVersion.says)
  }
  if (items.length === 0) says.push(...saysOfRun(run))
  drawInputs(drawn, run, node)
  return drawn.done([...new Set(says)])
}

/** A version with all that it comes from. */
async function drawVersion(
  drawn: Drawing,
  version: ModelVersion,
  options: LineageOptions,
): Promise<{ readonly node: string; readonly says: readonly string[] }> {
  const { model, facts, definition, manifest, at, run: runId } = version
  const name = `${model} ${version.version}`
  const node = drawn.node('version', versionKey(model, version.version), name, {
    stage: stageIn(version, options.environment),
    registered: formatInstant(at),
    manifest,
    definition,
    aliases: version.aliases.join(', ') || null,
  })
  const run = runId === null ? null : await options.tracking.run(runId)
  const says: string[] = []
  if (run !== null) {
    const drawnRun = drawRun(drawn, run)
    drawn.edge(drawnRun, node, 'trained')
    drawInputs(drawn, run, drawnRun)
    says.push(...saysOfRun(run))
  } else if (runId !== null) says.push(`${name} names the run ${runId}, which is not here.`)
  else says.push(`${name} was registered without a run: nothing says how it was trained.`)
  if (facts.data !== null) {
    // Where the run says the same, it is the same node.
    const data = drawData(drawn, facts.data)
    drawn.edge(data, run === null ? node : `run:${run.id}`, 'read')
    says.push(saysOfData(facts.data))
  } else says.push(`What ${name} was trained on is not recorded.`)

  const entries = facts.schema?.entries ?? []
  const reads = new Map<FeatureName, string[]>()
  const views: { [view: string]: string } = {}
  for (const entry of entries) {
    Object.assign(views, entry.views)
    for (const read of entry.reads)
      if (Object.hasOwn(entry.views, splitName(read)[0]))
        reads.set(read as FeatureName, [...(reads.get(read as FeatureName) ?? []), entry.name])
  }
  says.push(...(await drawFeatures(drawn, node, reads, views, options)))
  return { node, says }
}

/** `reads` names the entries that read each feature; `views` the hashes of the views at that time, where they are known. */
async function drawFeatures(
  drawn: Drawing,
  reader: string,
  reads: ReadonlyMap<FeatureName, readonly string[]>,
  views: { readonly [view: string]: string },
  { platform, metadata }: LineageOptions,
): Promise<readonly string[]> {
  if (reads.size === 0) return ['It reads no feature.']
  const forms = await formsOf(
    views,
    [...reads.keys()].map((name) => splitName(name)[0]),
    platform,
    metadata,
  )
  const columns = new Set<string>()
  const sources = new Set<string>()
  for (const [name, entries] of reads) {
    const [view, feature] = splitName(name)
    const form = forms.get(view)
    const node = drawn.node('feature', name, name, {
      entries: entries.join(', ') || null,
      expression: form?.changed === true ? 'as it was when the version was registered' : null,
    })
    drawn.edge(node, reader)
    drawn.edge(drawn.node('view', view, view, { hash: views[view] ?? null, now: wordsOf(form) }), node)
    if (form?.form == null) continue
    const { source } = form.form
    const drawnSource = drawn.node('source', source.name, source.name)
    sources.add(source.name)
    for (const { column, part } of readsOfFeature(form.form, feature)) {
      const columnName = `${source.name}.${column}`
      columns.add(columnName)
      const drawnColumn = drawn.node('column', columnName, columnName)
      drawn.edge(drawnSource, drawnColumn)
      drawn.edge(drawnColumn, node, part === 'value' ? null : part)
    }
  }
  const changed = [...forms].flatMap(([view, { changed: now }]) => (now === true ? [view] : []))
  const gone = [...forms].flatMap(([view, { changed: now }]) => (now === null ? [view] : []))
  return [
    `It reads ${plural(reads.size, 'feature')} of ${plural(forms.size, 'view')}, made of ${plural(columns.size, 'column')} of ${plural(sources.size, 'source')}.`,
    ...(changed.length === 0 ? [] : [`Defined otherwise by now: ${listed(changed)}.`]),
    ...(gone.length === 0 ? [] : [`No longer defined: ${listed(gone)}.`]),
  ]
}

interface KnownForm {
  /** Null where nothing tells any more what the view was. */
  readonly form: ViewForm | null
  /** False: it is defined so now. Null: no view of that name is defined. */
  readonly changed: boolean | null
}
const wordsOf = (known: KnownForm | undefined): string =>
  known?.changed === true ? 'defined otherwise' : known?.changed === null ? 'no longer defined' : 'the same'

/** Views by the hashes of that time: as they are defined now, or as they were applied once. */
async function formsOf(
  hashes: { readonly [view: string]: string },
  names: readonly string[],
  platform: Platform,
  metadata: LineageOptions['metadata'],
): Promise<ReadonlyMap<string, KnownForm>> {
  const now = new Map(allViewsOf(platform).map((view) => [view.name, view]))
  const sameNow = (name: string): boolean => {
    const view = now.get(name)
    return view !== undefined && (hashes[name] === undefined || hashOfDefinition(view) === hashes[name])
  }
  const wanted = [...new Set(names)]
  const before = new Map<string, ViewForm>()
  if (!wanted.every(sameNow))
    for (const { definitions } of await metadata.history(appliedBefore))
      for (const { kind, hash, described } of definitions)
        if (kind === 'view' && !before.has(hash)) before.set(hash, described as ViewForm)
  return new Map(
    wanted.map((name): readonly [string, KnownForm] => {
      if (sameNow(name)) return [name, { form: formOf(now.get(name)!), changed: false }]
      const hash = hashes[name]
      return [name, { form: (hash && before.get(hash)) || null, changed: now.has(name) ? true : null }]
    }),
  )
}

// --- runs and data

function drawRun(drawn: Drawing, run: Run): string {
  const tag = (name: string): string | null => run.tags[name] ?? null
  const node = drawn.node('run', run.id, run.name || run.id, {
    id: run.id,
    status: run.status,
    by: run.user || null,
    began: formatInstant(run.startedAt),
    command: tag('sixfold.command'),
    commit: tag('sixfold.commit') ?? tag('mlflow.source.git.commit'),
    uncommitted: tag('sixfold.dirty') === 'true' ? 'changes that the commit does not have' : null,
  })
  const again = tag('sixfold.reproduces')
  if (again !== null) {
    const [, model, version] = /^(.+)\/(\d+)$/.exec(again) ?? []
    if (model !== undefined)
      drawn.edge(
        drawn.node('version', versionKey(model, Number(version)), `${model} ${version}`),
        node,
        'trained again',
      )
  }
  return node
}

/** What it read besides the data that a version of it has as a fact. */
function drawInputs(drawn: Drawing, run: Run, node: string): void {
  const own = run.tags['sixfold.data.hash']
  for (const { dataset, tags } of run.inputs.datasets) {
    const context = tags['mlflow.data.context'] ?? null
    const known = own?.startsWith(dataset.digest) ? own : dataset.digest
    const data = drawn.node('data', known, dataset.name, { hash: known, use: context })
    drawn.edge(data, node, context === 'evaluation' ? 'held out' : 'read')
  }
}

const drawData = (drawn: Drawing, data: NonNullable<Facts['data']>): string =>
  drawn.node('data', data.hash ?? data.pointer, data.pointer, {
    hash: data.hash,
    rows: data.rows,
    from: data.from === null ? null : formatInstant(data.from),
    to: data.to === null ? null : formatInstant(data.to),
    query: data.query,
    kept: data.artifact,
  })

function saysOfRun(run: Run): readonly string[] {
  const commit = run.tags['sixfold.commit'] ?? run.tags['mlflow.source.git.commit']
  const dirty = run.tags['sixfold.dirty'] === 'true'
  return [
    `Run ${run.id} of ${formatInstant(run.startedAt)} by ${run.user || 'nobody named'}: ${run.status.toLowerCase()}, ${
      commit === undefined
        ? 'of code that nobody recorded'
        : `of commit ${commit.slice(0, 12)}${dirty ? ' with changes that are in no commit' : ''}`
    }.`,
  ]
}

const saysOfData = ({ pointer, rows, from, to, hash }: NonNullable<Facts['data']>): string =>
  `Trained on ${rows === null ? 'rows' : plural(rows, 'row')} of ${pointer}${
    from === null || to === null ? '' : ` from ${formatInstant(from)} to ${formatInstant(to)}`
  }${hash === null ? '; without a hash, nobody can say whether they are still the same' : ''}.`
