/** Experiments and runs: what may be logged to them, and how they are found again. */
import { randomBytes } from 'node:crypto'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Experiment, Metric, Run, TrackingStore } from '../ports/tracking-store.ts'
import type { Files } from './files.ts'
import { checkBatch, checkDatasets, checkExperimentName, checkLength, checkTag, most } from './names.ts'
import { checkedLimit, experimentsOf, foundIn, offsetIn, searchOf } from './pages.ts'
import { folderOf } from './source.ts'
import type { Tracking } from './tracking.ts'

type Part = Pick<
  Tracking,
  | 'createExperiment'
  | 'experiment'
  | 'experimentNamed'
  | 'renameExperiment'
  | 'setExperiment'
  | 'tagExperiment'
  | 'untagExperiment'
  | 'searchExperiments'
  | 'createRun'
  | 'run'
  | 'updateRun'
  | 'setRun'
  | 'log'
  | 'untagRun'
  | 'logInputs'
  | 'logOutputs'
  | 'metricHistory'
  | 'metricHistories'
  | 'searchRuns'
  | 'datasets'
  | 'listFilesOf'
>

const mostOfAPage = 50_000
/** Of a history that is asked for whole. */
const mostMetrics = 1_000_000
const metricsAtOnce = 25_000
const mostRunsAtOnce = 100
const nameTag = 'mlflow.runName'

export function runs(store: TrackingStore, files: Pick<Files, 'list'>, now: () => number): Part {
  const experiment = async (id: string): Promise<Experiment> => {
    const found = await store.experiment(id)
    if (found === null) throw new SixfoldError('SX_UNKNOWN_EXPERIMENT', `There is no experiment '${shorten(id)}'.`)
    return found
  }
  const run = async (id: string): Promise<Run> => {
    const found = await store.run(id)
    if (found === null) throw new SixfoldError('SX_UNKNOWN_RUN', `There is no run '${shorten(id)}'.`)
    return found
  }
  const wholeHistory = async (id: string, key: string): Promise<readonly Metric[]> => {
    const all: Metric[] = []
    for (;;) {
      const { items, more } = await store.metricHistory(id, key, metricsAtOnce, all.length)
      for (const one of items) all.push(one)
      if (!more) return all
      if (all.length >= mostMetrics)
        throw new SixfoldError('SX_REQUEST_INVALID', `'${shorten(key)}' has more than ${mostMetrics} values.`, {
          fix: "Ask for it in pages, with 'max_results'.",
        })
    }
  }

  return {
    createExperiment: async ({ name, artifactLocation, tags }) => {
      checkExperimentName(name)
      if (artifactLocation !== null) checkLocation(artifactLocation)
      for (const [key, value] of Object.entries(tags)) checkTag(key, value, most.experimentTag)
      return store.createExperiment({ name, artifactLocation, tags }, now())
    },
    experiment,
    experimentNamed: async (name) => {
      const found = await store.experimentNamed(name)
      if (found === null)
        throw new SixfoldError('SX_UNKNOWN_EXPERIMENT', `There is no experiment named '${shorten(name)}'.`)
      return found
    },
    renameExperiment: async (id, name) => {
      checkExperimentName(name)
      await store.updateExperiment(id, { name }, now())
    },
    setExperiment: async (id, lifecycle) => {
      // Only what is there can go, and only what went can come back.
      if ((await experiment(id)).lifecycle === lifecycle)
        throw new SixfoldError(
          'SX_UNKNOWN_EXPERIMENT',
          lifecycle === 'deleted' ? `Experiment '${id}' was deleted already.` : `Experiment '${id}' was not deleted.`,
        )
      await store.updateExperiment(id, { lifecycle }, now())
    },
    tagExperiment: async (id, key, value) => {
      checkTag(key, value, most.experimentTag)
      await store.tagExperiment(id, key, value, now())
    },
    untagExperiment: async (id, key) => {
      if (!Object.hasOwn((await experiment(id)).tags, key)) return false
      await store.tagExperiment(id, key, null, now())
      return true
    },
    searchExperiments: async (query, view) => {
      const search = searchOf('experiment', query, mostOfAPage)
      return foundIn(await store.searchExperiments(search, view), search)
    },

    createRun: async ({ experiment: id, name, user, startedAt, tags }) => {
      const tagged = Object.hasOwn(tags, nameTag) ? tags[nameTag]! : ''
      if (name !== '' && tagged !== '' && name !== tagged)
        throw new SixfoldError(
          'SX_REQUEST_INVALID',
          `The run is called '${shorten(name)}', and its tag ${nameTag} says '${shorten(tagged)}'.`,
          { fix: 'Send one of the two.' },
        )
      const called = name || tagged || randomName()
      checkLength('The name of the run', called, most.runTag)
      for (const [key, value] of Object.entries(tags)) checkTag(key, value, most.runTag)
      return store.createRun({
        ...{ id: randomBytes(16).toString('hex'), experiment: id, name: called, user, startedAt: startedAt ?? now() },
        tags: { ...tags, [nameTag]: called },
      })
    },
    run,
    updateRun: async (id, change) => {
      if (change.name !== undefined && change.name !== '') {
        checkTag(nameTag, change.name, most.runTag)
        await store.log(id, { ...nothing, tags: [{ key: nameTag, value: change.name }] })
      }
      const { name, ...rest } = change
      return store.updateRun(id, name === undefined || name === '' ? rest : { ...rest, name })
    },
    setRun: async (id, lifecycle) => {
      await store.updateRun(id, { lifecycle })
    },
    log: async (id, batch) => {
      const whole = { ...nothing, ...batch }
      checkBatch(whole)
      await store.log(id, whole)
      const named = whole.tags.find(({ key }) => key === nameTag)
      if (named?.value) await store.updateRun(id, { name: named.value })
    },
    untagRun: async (id, key) => {
      if (!Object.hasOwn((await run(id)).tags, key)) return false
      await store.log(id, { ...nothing, tags: [{ key, value: null }] })
      return true
    },
    logInputs: async (id, datasets, models) => {
      checkDatasets(datasets)
      await store.logInputs(id, datasets, models)
    },
    logOutputs: (id, models) => store.logOutputs(id, models),
    metricHistory: async (id, key, limit, page) => {
      await run(id)
      const offset = offsetIn(page)
      if (limit === null) return { items: await wholeHistory(id, key), next: null }
      return foundIn(await store.metricHistory(id, key, checkedLimit(limit, mostMetrics), offset), { offset })
    },
    metricHistories: async (ids, key, steps, limit) => {
      if (ids.length > mostRunsAtOnce)
        throw new SixfoldError('SX_REQUEST_INVALID', `At most ${mostRunsAtOnce} runs at once; these are ${ids.length}.`)
      const all: (Metric & { readonly run: string })[] = []
      for (const id of ids) {
        const history = await wholeHistory(id, key)
        const within = steps === null ? history : history.filter(({ step }) => step >= steps[0] && step <= steps[1])
        for (const metric of spread(within, limit)) all.push({ ...metric, run: id })
      }
      return all
    },
    searchRuns: async (ids, query, view) => {
      const search = searchOf('run', query, mostOfAPage)
      return foundIn(await store.searchRuns(experimentsOf(ids), search, view), search)
    },
    datasets: async (given) => {
      const ids = experimentsOf(given)
      const found = new Map<string, Awaited<ReturnType<Tracking['datasets']>>[number]>()
      for (let offset = 0; found.size < 1_000; offset += 1_000) {
        const { items, more } = await store.searchRuns(ids, { where: [], order: [], limit: 1_000, offset }, 'active')
        for (const { experiment: of, inputs } of items)
          for (const { dataset, tags } of inputs.datasets) {
            const context = Object.hasOwn(tags, 'mlflow.data.context') ? tags['mlflow.data.context']! : null
            const one = { experiment: of, name: dataset.name, digest: dataset.digest, context }
            found.set(JSON.stringify(one), one)
          }
        if (!more) break
      }
      return [...found.values()].slice(0, 1_000)
    },
    listFilesOf: async (owner, path) => {
      const folder = folderOf(owner)
      return folder === null ? null : files.list(path === '' ? folder : `${folder}/${path}`)
    },
  }
}

const nothing = { metrics: [], parameters: [], tags: [] } as const

/** Every so many steps, and the last; the values of one step together. */
function spread(history: readonly Metric[], limit: number): readonly Metric[] {
  if (history.length <= limit) return history
  const steps = [...new Set(history.map(({ step }) => step))]
  const wanted = new Set<number | undefined>([steps.at(-1)])
  const count = Math.min(limit, steps.length)
  for (let i = 0; i < count - 1; i++) wanted.add(steps[Math.floor((i * steps.length) / count)])
  return history.filter(({ step }) => wanted.has(step))
}

function checkLocation(location: string): void {
  checkLength("'artifact_location'", location, most.artifactLocation)
  const refuse = (why: string): never => {
    throw new SixfoldError('SX_REQUEST_INVALID', `'artifact_location' is '${shorten(location)}': ${why}.`, {
      fix: 'Leave it out, and this server keeps the files; or name a store that clients reach themselves: s3://bucket/path.',
    })
  }
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(location)?.[1]?.toLowerCase()
  if (scheme === 'runs' || scheme === 'models') refuse('it belongs to a run')
  if (/[#;]/.test(location)) refuse('it has a fragment or parameters')
  if (/(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?:$|[/\\]|%2f|%5c)/i.test(location)) refuse("it has the part '..'")
  if (scheme === 'mlflow-artifacts' && folderOf({ artifactUri: location }) === '')
    refuse('it is the folder of everything')
}

const adjectives = [
  'amber',
  'brave',
  'calm',
  'deft',
  'eager',
  'fleet',
  'glad',
  'keen',
  'lucid',
  'merry',
  'nimble',
  'quiet',
]
const nouns = ['ash', 'birch', 'crane', 'dove', 'elm', 'finch', 'heron', 'larch', 'maple', 'otter', 'plover', 'wren']

function randomName(): string {
  const [a, b, c, d] = randomBytes(4) as unknown as [number, number, number, number]
  return `${adjectives[a % adjectives.length]}-${nouns[b % nouns.length]}-${(c * 256 + d) % 1_000}`
}
