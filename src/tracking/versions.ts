/** Versions out of what was logged: their files, what is known of them, and where they can be had again. */
import { readFile } from 'node:fs/promises'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Facts, ModelVersion, RegistryStore, VersionFile } from '../ports/registry-store.ts'
import type { LoggedModel, Run, TrackingStore } from '../ports/tracking-store.ts'
import type { DeclaredInput, Registration, Registry } from '../registry/index.ts'
import { readMlModel } from '../registry/index.ts'
import { withinTraining } from '../training/index.ts'
import type { Files } from './files.ts'
import { versionsFolder } from './files.ts'
import { factsKnown } from './model-facts.ts'
import type { Source } from './source.ts'
import { folderOf, invalid, isWithin, notOf, readSource } from './source.ts'
import type { Tracking, WantedVersion } from './tracking.ts'

export interface VersionsOptions {
  readonly registry: Registry
  readonly registryStore: Pick<RegistryStore, 'model' | 'version' | 'versions'>
  readonly store: Pick<TrackingStore, 'run' | 'loggedModel' | 'updateLoggedModel' | 'file' | 'files'>
  readonly files: Pick<Files, 'below' | 'open' | 'keep'>
  now(): number
}

/** A model that says so is a prompt: the versions of its text. Its clients name one of these as the source, and mean none. */
export const promptTag = 'mlflow.prompt.is_prompt'
const promptText = 'mlflow.prompt.text'
const promptSources = ['dummy-source', 'prompt-template']
/** In which its clients write down which versions were made of a logged model. */
const versionsTag = 'mlflow.modelVersions'
const longestRead = 1024 * 1024

export const isPrompt = (tags: { readonly [key: string]: string }): boolean =>
  Object.hasOwn(tags, promptTag) && tags[promptTag]!.toLowerCase() === 'true'

/** What of a registration the source tells. */
type Told = Pick<Registration, 'files' | 'entry' | 'flavor' | 'facts' | 'source' | 'run' | 'loggedModel' | 'declared'>

export function versions({
  registry,
  registryStore,
  store,
  files,
  now,
}: VersionsOptions): Pick<Tracking, 'registerVersion' | 'addressOf'> {
  const runOf = async (id: string | null): Promise<Run | null> => {
    const run = id === null ? null : await store.run(id)
    return run === null ? null : withinTraining(run, (around) => store.run(around))
  }

  const text = async (folder: string, name: string, all: readonly VersionFile[]): Promise<string | null> => {
    const file = all.find(({ path }) => path === name)
    if (file === undefined || file.bytes > longestRead) return null
    return readFile((await files.open(`${folder}/${name}`)).local, 'utf8')
  }

  /** A folder of this server with a model in it, or a single file. */
  const toldByFolder = async (
    folder: string,
    run: Run | null,
    model: LoggedModel | null,
  ): Promise<Omit<Told, 'source' | 'run' | 'loggedModel'>> => {
    const single = await store.file(folder)
    const all =
      single === null
        ? await files.below(folder)
        : [{ path: nameOf(folder), sha256: single.sha256, bytes: single.bytes }]
    const written = single === null ? await text(folder, 'MLmodel', all) : null
    const mlmodel = written === null ? null : await readMlModel(written)
    const requirements = single === null ? await text(folder, 'requirements.txt', all) : null
    const facts = factsKnown(run, model, mlmodel, requirements)
    const onnx = all.filter(({ path }) => path.endsWith('.onnx'))
    const entry = mlmodel === null ? (onnx.length === 1 ? onnx[0]!.path : null) : mlmodel.entry
    if (entry !== null && !all.some(({ path }) => path === entry))
      throw new SixfoldError('SX_ARTIFACT_INVALID', `The MLmodel names '${shorten(entry)}', which is not beside it.`, {
        fix: 'Log the model again, and register it when all of it was sent.',
      })
    const flavor = mlmodel === null ? (entry === null ? null : 'onnx') : mlmodel.flavor
    return { files: all, entry, flavor, facts, declared: mlmodel?.inputs ?? null }
  }

  const ofLoggedModel = async (id: string, wanted: WantedVersion): Promise<Told> => {
    const model = await store.loggedModel(id)
    if (model === null) throw notOf(wanted.source, 'model_id')
    const source = readSource(wanted.source)
    const folder = folderOf(model)
    if (source.kind === 'logged model' ? source.id !== id : source.kind === 'run')
      throw notOf(wanted.source, 'model_id')
    if (source.kind === 'files' && !isWithin(source.folder, folder)) throw notOf(wanted.source, 'model_id')
    const run = await runOf(wanted.run ?? model.run)
    const at = source.kind === 'files' ? source.folder : source.kind === 'logged model' ? folder : null
    const told = at === null ? elsewhere(factsKnown(run, model, null, null)) : await toldByFolder(at, run, model)
    return { ...told, source: wanted.source, run: wanted.run ?? model.run, loggedModel: id }
  }

  const ofRun = async (source: Source, wanted: WantedVersion): Promise<Told> => {
    const run = await runOf(wanted.run)
    const named = { source: wanted.source, run: wanted.run, loggedModel: null }
    if (source.kind === 'logged model') throw notOf(wanted.source, 'model_id')
    if (source.kind === 'run') {
      if (source.run !== wanted.run) throw notOf(wanted.source, 'run_id')
      // A run of another server, or one that is gone: nothing but its address is known.
      const folder = run === null ? null : folderOf(run)
      if (folder === null) return { ...elsewhere(factsKnown(run, null, null, null)), ...named }
      return { ...(await toldByFolder(`${folder}/${source.path}`, run, null)), ...named }
    }
    if (source.kind === 'files') {
      if (run === null || !isWithin(source.folder, folderOf(run))) throw notOf(wanted.source, 'run_id')
      return { ...(await toldByFolder(source.folder, run, null)), ...named }
    }
    return { ...elsewhere(factsKnown(run, null, null, null)), ...named }
  }

  const ofVersion = async (source: Source & { readonly kind: 'version' }, wanted: WantedVersion): Promise<Told> => {
    const model = await registryStore.model(source.model)
    if (model === null) throw new SixfoldError('SX_UNKNOWN_MODEL', `There is no model '${shorten(source.model)}'.`)
    if (isPrompt(model.tags)) throw invalid(wanted.source, 'it is a prompt')
    const which = source.which.startsWith('@') ? source.which.slice(1) : source.which
    const version = await registry.version(source.model, which)
    if (wanted.run !== null && wanted.run !== version.run) throw notOf(wanted.source, 'run_id')
    if (wanted.loggedModel !== null && wanted.loggedModel !== version.loggedModel)
      throw notOf(wanted.source, 'model_id')
    const { data, configuration, evaluation, dependencies } = version.facts
    return {
      files: version.files,
      entry: version.entry,
      flavor: version.flavor,
      facts: {
        evaluation,
        ...(data === null ? {} : { data }),
        ...(configuration === null ? {} : { configuration }),
        ...(dependencies === null ? {} : { dependencies }),
      },
      source: `models:/${source.model}/${version.version}`,
      run: version.run,
      loggedModel: version.loggedModel,
    }
  }

  const ofPrompt = async (wanted: WantedVersion): Promise<Told> => {
    if (!promptSources.includes(wanted.source)) throw invalid(wanted.source, 'a prompt has none')
    const template = Object.hasOwn(wanted.tags, promptText) ? wanted.tags[promptText]! : ''
    const kept = await files.keep(Buffer.from(template))
    return {
      files: [{ path: 'prompt.txt', ...kept }],
      ...{ entry: null, flavor: 'prompt', facts: {}, source: wanted.source, run: wanted.run, loggedModel: null },
    }
  }

  const toldOf = async (wanted: WantedVersion): Promise<Told> => {
    if (isPrompt(wanted.tags)) return ofPrompt(wanted)
    const source = readSource(wanted.source)
    if (source.kind === 'version') return ofVersion(source, wanted)
    return wanted.loggedModel === null ? ofRun(source, wanted) : ofLoggedModel(wanted.loggedModel, wanted)
  }

  /** Beside the model, as its clients do: what they read there is theirs, and may be anything. */
  const note = async (id: string, { model, version }: ModelVersion): Promise<void> => {
    const logged = await store.loggedModel(id)
    if (logged === null) return
    const before = Object.hasOwn(logged.tags, versionsTag) ? listIn(logged.tags[versionsTag]!) : []
    const value = spaced([...before, { name: model, version }])
    if (value.length < 100_000) await store.updateLoggedModel(id, { tags: { [versionsTag]: value } }, now())
  }

  return {
    registerVersion: async (wanted, asker) => {
      if ((await registryStore.model(wanted.model)) === null)
        throw new SixfoldError('SX_UNKNOWN_MODEL', `There is no model '${shorten(wanted.model)}' in the registry.`, {
          fix: 'Create it first.',
        })
      const told = await toldOf(wanted)
      const version = await registry.register(
        {
          ...told,
          model: wanted.model,
          create: false,
          runLink: wanted.runLink,
          description: wanted.description,
          tags: wanted.tags,
          unlessNewest: false,
        },
        asker,
      )
      if (told.loggedModel !== null) await note(told.loggedModel, version)
      return version
    },
    addressOf: async (version) => {
      if (isPrompt(version.tags)) return version.source
      const place = await placeOf(version, store)
      if (version.files.length === 0) return place?.uri ?? version.source
      if (place !== null && place.folder !== null) {
        const single = await store.file(place.folder)
        const there = single === null ? await files.below(place.folder) : [{ ...single, path: nameOf(place.folder) }]
        if (sameFiles(there, version.files)) return place.uri
      }
      return `mlflow-artifacts:/${versionsFolder}/${version.model.replace(/[%?#]/g, encodeURIComponent)}/${version.version}`
    },
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

const elsewhere = (
  facts: Partial<Facts>,
): { files: []; entry: null; flavor: null; facts: Partial<Facts>; declared: readonly DeclaredInput[] | null } => ({
  files: [],
  entry: null,
  flavor: null,
  facts,
  declared: null,
})

/** Where the run or logged model that a version was made of keeps its files; null where nothing says so any more. */
async function placeOf(
  { source: text, run: runId, loggedModel }: ModelVersion,
  store: Pick<TrackingStore, 'run' | 'loggedModel'>,
): Promise<{ readonly uri: string; readonly folder: string | null } | null> {
  const source = readSource(text)
  if (source.kind === 'files') return { uri: text, folder: source.folder }
  if (source.kind === 'run') {
    const run = runId === null ? null : await store.run(runId)
    if (run === null) return null
    const folder = folderOf(run)
    return { uri: `${run.artifactUri}/${source.path}`, folder: folder === null ? null : `${folder}/${source.path}` }
  }
  const model = loggedModel === null || source.kind === 'elsewhere' ? null : await store.loggedModel(loggedModel)
  return model === null ? null : { uri: model.artifactUri, folder: folderOf(model) }
}

const sameFiles = (a: readonly VersionFile[], b: readonly VersionFile[]): boolean => {
  const known = new Map(a.map(({ path, sha256 }) => [path, sha256]))
  return a.length === b.length && b.every(({ path, sha256 }) => known.get(path) === sha256)
}

/** As its clients write it, who compare the text. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`)
    .join(', ')}}`
}

function listIn(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}
